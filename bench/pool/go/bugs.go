// SPDX-License-Identifier: MIT

// The behaviours that show a known bug: bugs.c in Go.
package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const limit = 3 * time.Second
const settle = 100 * time.Millisecond

func cannot(why string) { fmt.Printf("{\"peer\": %q, \"cannot\": %q}\n", name, why) }

func takeOrNot(d time.Duration) (held, bool) {
	ctx, cancel := patience(d)
	defer cancel()
	return pool.take(ctx)
}

func mustTake() held {
	h, ok := takeOrNot(limit)
	if !ok {
		die("there is nothing to take")
	}
	return h
}

func brokenWithWaiters(waiters int, failingOpens uint32) {
	var group sync.WaitGroup
	var served uint32
	var last int64
	pool.start(1)
	h := mustTake()
	for i := 0; i < waiters; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if got, ok := takeOrNot(limit); ok {
				atomic.AddUint32(&served, 1)
				pool.give(got, false)
			}
			atomic.StoreInt64(&last, time.Now().UnixNano())
		}()
	}
	time.Sleep(settle)
	atomic.StoreUint32(&server.failNext, failingOpens)
	from := time.Now().UnixNano()
	pool.give(h, true)
	group.Wait()
	fmt.Printf("{\"peer\": %q, \"waiters\": %d, \"served\": %d, \"ms\": %.1f}\n", name, waiters,
		served, float64(last-from)/ms)
}

func resize() {
	const max, greed = 5, 25
	var all []held
	more := func() {
		for len(all) < greed {
			h, ok := takeOrNot(200 * time.Millisecond)
			if !ok {
				break
			}
			all = append(all, h)
		}
	}
	pool.start(max)
	for len(all) < max {
		all = append(all, mustTake())
	}
	for i := 0; i < 5; i++ {
		if !pool.resize(1) {
			cannot("its size is fixed")
			return
		}
		time.Sleep(10 * time.Millisecond)
		pool.resize(max)
		time.Sleep(10 * time.Millisecond)
	}
	more()
	most := len(all)
	for _, h := range all {
		pool.give(h, false)
	}
	all = nil
	time.Sleep(settle)
	more()
	fmt.Printf("{\"peer\": %q, \"max\": %d, \"leased\": %d, \"afterwards\": %d, \"peak\": %d}\n", name,
		max, most, len(all), server.peak)
}

func closeRace() {
	worst := time.Duration(0)
	server.lag = int64(5 * time.Millisecond) // so that one is being opened
	for i := 0; i < 20; i++ {
		var group sync.WaitGroup
		stop := uint32(0)
		pool.start(2)
		for n := 0; n < 2; n++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for atomic.LoadUint32(&stop) == 0 {
					if h, ok := pool.try(); ok {
						pool.give(h, false)
					}
				}
			}()
		}
		time.Sleep(time.Duration(i%10) * time.Millisecond)
		watch := time.AfterFunc(limit, func() {
			fmt.Printf("{\"peer\": %q, \"stuck\": true}\n", name)
			os.Exit(0)
		})
		from := time.Now()
		pool.close()
		if took := time.Since(from); took > worst {
			worst = took
		}
		watch.Stop()
		atomic.StoreUint32(&stop, 1)
		group.Wait()
	}
	fmt.Printf("{\"peer\": %q, \"stuck\": false, \"ms\": %.1f}\n", name, float64(worst)/ms)
}

func silentHost() {
	worst := time.Duration(0)
	done := make(chan bool)
	pool.start(2)
	h := mustTake()
	atomic.StoreInt64(&server.lag, int64(1500*time.Millisecond))
	go func() {
		if got, ok := takeOrNot(limit); ok {
			pool.give(got, false)
		}
		close(done)
	}()
	time.Sleep(settle)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		from := time.Now()
		pool.give(h, false)
		h = mustTake()
		if took := time.Since(from); took > worst {
			worst = took
		}
	}
	pool.give(h, false)
	<-done
	fmt.Printf("{\"peer\": %q, \"ms\": %.1f}\n", name, float64(worst)/ms)
}
