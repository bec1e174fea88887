// SPDX-License-Identifier: MIT

// A spike, an outage, a password that keeps changing: scenes.c in Go, number for number.
package main

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

const ms = float64(time.Millisecond)

var (
	waits         [256]histogram
	asked, failed uint32
	began         time.Time
)

func begin(max int) {
	pool.start(max)
	began = time.Now()
}

func takeWithin(limit time.Duration, h *histogram) (held, bool) {
	ctx, cancel := patience(limit)
	defer cancel()
	from := time.Now()
	got, ok := pool.take(ctx)
	h.add(time.Since(from))
	atomic.AddUint32(&asked, 1)
	if !ok {
		atomic.AddUint32(&failed, 1)
	}
	return got, ok
}

func allWaits() *histogram {
	for i := 1; i < len(waits); i++ {
		waits[0].merge(&waits[i])
	}
	return &waits[0]
}

func spike() {
	server.lag = int64(150 * time.Millisecond)
	begin(50)
	threads(50, func(number int) {
		if h, ok := takeWithin(10*time.Second, &waits[number]); ok {
			time.Sleep(2 * time.Millisecond)
			pool.give(h, false)
		}
	})
	took := time.Since(began)
	all := allWaits()
	fmt.Printf("{\"peer\": %q, \"opened\": %d, \"failed\": %d, \"ms\": %.1f, \"p50_ms\": %.1f, "+
		"\"max_ms\": %.1f}\n", name, atomic.LoadUint32(&server.attempts), failed, float64(took)/ms,
		float64(all.at(0.5))/ms, float64(all.max)/ms)
}

func outage() {
	const length, end = 3 * time.Second, 13 * time.Second
	var attempts uint32
	var first int64
	server.down = 1
	server.lag = int64(time.Millisecond)
	begin(8)
	time.AfterFunc(length, func() {
		attempts = atomic.LoadUint32(&server.attempts)
		atomic.StoreUint32(&server.down, 0)
	})
	threads(8, func(number int) {
		at := time.Now()
		for atomic.LoadInt64(&first) == 0 && time.Since(began) < end {
			if h, ok := takeWithin(time.Second, &waits[number]); ok {
				atomic.CompareAndSwapInt64(&first, 0, int64(time.Since(began)))
				pool.give(h, false)
			}
			at = at.Add(10 * time.Millisecond)
			if now := time.Now(); at.Before(now) {
				at = now
			}
			time.Sleep(time.Until(at))
		}
	})
	recovered := -1.0
	if first != 0 {
		recovered = float64(first-int64(length)) / ms
	}
	fmt.Printf("{\"peer\": %q, \"attempts\": %d, \"asked\": %d, \"answered_ms\": %.1f, "+
		"\"first_ms\": %.1f}\n", name, attempts, asked, float64(allWaits().at(0.5))/ms, recovered)
}

// The runtime's own timers are too coarse below a millisecond.
func sleepUntil(at time.Time) {
	if left := time.Until(at); left > 0 {
		pause := syscall.NsecToTimespec(int64(left))
		syscall.Nanosleep(&pause, nil)
	}
}

func rotate() {
	const callers, rotations, period = 8, 30, 400 * time.Microsecond
	var stale, over uint32
	server.lag = int64(5 * time.Millisecond)
	begin(8)
	go func() {
		for i := 1; i <= rotations; i++ {
			time.Sleep(time.Until(began.Add(time.Duration(i) * 100 * time.Millisecond)))
			pool.rotate(uint32(1 + i))
		}
		time.Sleep(100 * time.Millisecond)
		atomic.StoreUint32(&over, 1)
	}()
	threads(callers, func(number int) {
		for at := time.Now(); atomic.LoadUint32(&over) == 0; at = at.Add(period) {
			sleepUntil(at)
			wanted := atomic.LoadUint32(&password)
			h, ok := takeWithin(time.Second, &waits[number])
			if !ok {
				continue
			}
			if h.password < wanted {
				atomic.AddUint32(&stale, 1)
			}
			burn(25 * time.Microsecond)
			pool.give(h, false)
		}
	})
	seconds := time.Since(began).Seconds()
	all := allWaits()
	fmt.Printf("{\"peer\": %q, \"rate\": %.0f, \"switched\": %d, \"failed\": %d, \"p999_us\": %.1f, "+
		"\"max_us\": %.1f, \"peak\": %d, \"stale\": %d}\n", name, float64(asked)/seconds, password-1,
		failed, float64(all.at(0.999))/1000, float64(all.max)/1000, server.peak, stale)
}
