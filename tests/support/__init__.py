"""What the tests against a running gateway share: the gateway, a raw client, a scriptable upstream."""
