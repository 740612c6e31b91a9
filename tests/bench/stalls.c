/* Tells when a CPU was not to be had: "stalls", started on that CPU before all that is measured there.
 *
 * It wakes every 250 us and prints a line "FROM TO" (microseconds of the real time clock) where it did so more than 300 us
 * late: the host ran another machine, or the kernel was at work for another program and could not be interrupted. No
 * system call of what is measured takes as long. Ends when it is killed. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define PERIOD_US 250
#define LATE_US 300

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* as pace's */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t before = now_us(), now;; before = now) {
        nanosleep(&(struct timespec){.tv_nsec = PERIOD_US * 1000}, NULL);
        now = now_us();
        if (now > before + PERIOD_US + LATE_US)
            printf("%llu %llu\n", (unsigned long long)before, (unsigned long long)now);
    }
}
