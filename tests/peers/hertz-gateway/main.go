// A gateway to measure against, as one would write it in Go for the fewest CPU-µs: Hertz, sonic, Thrift's generated structs
// (no IDL at run time), connections kept. POST /ANYTHING with a shop.Order calls Shop.place, in strict binary, unframed.
package main

import (
	"context"
	"os"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/bytedance/sonic"
	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"

	"hertzgateway/gen/shop"
)

type connection struct {
	transport thrift.TTransport
	client    *shop.ShopClient
}

func dial(address string) (*connection, error) {
	transport := thrift.NewTBufferedTransport(thrift.NewTSocketConf(address, nil), 8192)
	if err := transport.Open(); err != nil {
		return nil, err
	}
	protocol := thrift.NewTBinaryProtocolConf(transport, nil)
	return &connection{transport, shop.NewShopClient(thrift.NewTStandardClient(protocol, protocol))}, nil
}

func main() {
	address, upstream := os.Args[1], os.Args[2]
	idle := make(chan *connection, 256)
	hlog.SetLevel(hlog.LevelWarn)
	gateway := server.New(server.WithHostPorts(address))
	gateway.POST("/*path", func(ctx context.Context, request *app.RequestContext) {
		var order shop.Order
		if err := sonic.Unmarshal(request.Request.Body(), &order); err != nil {
			request.String(400, err.Error())
			return
		}
		var c *connection
		var err error
		select {
		case c = <-idle:
		default:
			if c, err = dial(upstream); err != nil {
				request.String(503, err.Error())
				return
			}
		}
		result, err := c.client.Place(ctx, &order)
		if err != nil {
			c.transport.Close()
			request.String(502, err.Error())
			return
		}
		select {
		case idle <- c:
		default:
			c.transport.Close()
		}
		body, err := sonic.Marshal(result)
		if err != nil {
			request.String(500, err.Error())
			return
		}
		request.Data(200, "application/json", body)
	})
	gateway.Spin()
}
