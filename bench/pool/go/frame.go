// SPDX-License-Identifier: MIT

// The main program of the Go pools: arguments, threads, and the mode that measures cycles and
// waits, as frame.c is for those in C. Its threads are goroutines.
package main

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var (
	name       string
	pool       peer
	stepsPerNS float64
	password   uint32 = 1
	sink       uint64
)

func die(what string) {
	fmt.Fprintln(os.Stderr, name+": "+what)
	os.Exit(1)
}

func switched(to uint32) {
	for now := atomic.LoadUint32(&password); now < to; now = atomic.LoadUint32(&password) {
		if atomic.CompareAndSwapUint32(&password, now, to) {
			return
		}
	}
}

func threads(count int, run func(number int)) {
	var group sync.WaitGroup
	for i := 1; i <= count; i++ {
		group.Add(1)
		go func(number int) {
			defer group.Done()
			run(number)
		}(i)
	}
	group.Wait()
}

//go:noinline
func burnSteps(steps uint64) uint64 {
	x := steps
	for i := uint64(0); i < steps; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func burn(d time.Duration) { burnSteps(uint64(float64(d) * stepsPerNS)) }

func calibrate() {
	const steps = 1000000
	best := time.Hour
	for i := 0; i < 7; i++ {
		from := time.Now()
		sink += burnSteps(steps)
		if took := time.Since(from); took < best {
			best = took
		}
	}
	stepsPerNS = steps / float64(best)
}

type histogram struct {
	count   uint64
	max     int64
	buckets [1024]uint32
}

func (h *histogram) add(d time.Duration) {
	value, bucket := uint64(d), uint64(d)
	if value >= 16 {
		top := uint64(bits.Len64(value) - 1)
		bucket = (top-3)*16 + value>>(top-4)&15
	}
	h.count++
	h.buckets[bucket]++
	if int64(d) > h.max {
		h.max = int64(d)
	}
}

func (h *histogram) merge(from *histogram) {
	h.count += from.count
	if from.max > h.max {
		h.max = from.max
	}
	for i := range h.buckets {
		h.buckets[i] += from.buckets[i]
	}
}

func (h *histogram) at(share float64) int64 {
	wanted, seen := uint64(float64(h.count)*share), uint64(0)
	for i := range h.buckets {
		if seen += uint64(h.buckets[i]); seen > wanted {
			if i < 16 {
				return int64(i)
			}
			return int64(16+i%16) << (i/16 - 1)
		}
	}
	return h.max
}

type worker struct {
	cycles, failures, violations uint64
	waits                        histogram
	_                            [128]byte
}

func (w *worker) use(r *resource, number uint32, steps uint64) {
	if atomic.LoadUint32(&r.owner) != 0 {
		w.violations++
	}
	r.owner = number // a plain store, as the others do: an atomic one would be an exchange in Go
	if steps > 0 {
		burnSteps(steps)
	}
	if atomic.LoadUint32(&r.owner) != number {
		w.violations++
	}
	r.owner = 0
}

func (w *worker) cycle(number uint32, steps uint64, every int, running *uint32) {
	ctx := context.Background() // the cheapest there is
	for i := 1; atomic.LoadUint32(running) != 0; i++ {
		var h held
		var ok bool
		if every > 0 && i%every == 0 {
			from := time.Now()
			h, ok = pool.take(ctx)
			w.waits.add(time.Since(from))
		} else {
			h, ok = pool.take(ctx)
		}
		if !ok {
			w.failures++
			continue
		}
		w.use(h.resource, number, steps)
		pool.give(h, false)
		w.cycles++
	}
}

func pass(count int, wall time.Duration, steps uint64, every int) ([]worker, time.Duration) {
	workers := make([]worker, count)
	running := uint32(1)
	from := time.Now()
	go func() {
		time.Sleep(wall)
		atomic.StoreUint32(&running, 0)
		wall = time.Since(from)
	}()
	threads(count, func(number int) {
		workers[number-1].cycle(uint32(number), steps, every, &running)
	})
	return workers, wall
}

func openAll(connections int) {
	ctx, cancel := patience(10 * time.Second)
	defer cancel()
	var all []held
	for i := 0; i < connections; i++ {
		h, ok := pool.take(ctx)
		if !ok {
			die("could not open its connections")
		}
		all = append(all, h)
	}
	for _, h := range all {
		pool.give(h, false)
	}
}

func fairness(workers []worker) float64 {
	sum, squares := 0.0, 0.0
	for i := range workers {
		cycles := float64(workers[i].cycles)
		sum += cycles
		squares += cycles * cycles
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(workers)) * squares)
}

func sumOf(workers []worker) *worker {
	sum := new(worker)
	for i := range workers {
		sum.cycles += workers[i].cycles
		sum.failures += workers[i].failures
		sum.violations += workers[i].violations
		sum.waits.merge(&workers[i].waits)
	}
	return sum
}

func cycle(count, connections int, hold time.Duration, seconds float64) {
	wall := time.Duration(seconds * float64(time.Second))
	steps := uint64(float64(hold) * stepsPerNS)
	pool.start(connections)
	openAll(connections)
	pass(count, wall/2, steps, 0)
	workers, took := pass(count, wall, steps, 0)
	cost, jain := sumOf(workers), fairness(workers)
	every := 8
	if hold > 0 {
		every = 1
	}
	workers, _ = pass(count, wall, steps, every)
	waits := sumOf(workers)
	fmt.Printf("{\"peer\": %q, \"cycles\": %d, \"ns\": %.2f, \"p50\": %d, \"p99\": %d, \"p999\": %d, "+
		"\"max\": %d, \"jain\": %.3f, \"violations\": %d, \"failed\": %d, \"opened\": %d}\n",
		name, cost.cycles, float64(took)/float64(cost.cycles), waits.waits.at(0.5),
		waits.waits.at(0.99), waits.waits.at(0.999), waits.waits.max, jain,
		cost.violations+waits.violations, cost.failures+waits.failures,
		atomic.LoadUint32(&server.attempts))
}

var modes = map[string]func(){"spike": spike, "outage": outage, "rotate": rotate,
	"lost-wakeup":   func() { brokenWithWaiters(2, 1) },
	"broken-return": func() { brokenWithWaiters(1, 0) },
	"resize":        resize, "close-race": closeRace, "silent-host": silentHost,
	"in-flight": func() { cannot("a new password means a new pool") }}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		die("not a number: " + text)
	}
	return value
}

func main() {
	calibrate()
	peers := map[string]peer{"puddle": new(puddlePeer), "database/sql": new(sqlPeer)}
	if len(os.Args) > 2 {
		name, pool = os.Args[1], peers[os.Args[1]]
	}
	arguments := os.Args[2:]
	switch {
	case pool == nil:
		die("which pool?")
	case arguments[0] == "cycle" && len(arguments) == 5:
		cycle(int(number(arguments[1])), int(number(arguments[2])),
			time.Duration(number(arguments[3])), number(arguments[4]))
	case modes[arguments[0]] != nil:
		modes[arguments[0]]()
	default:
		die("no such mode: " + arguments[0])
	}
}
