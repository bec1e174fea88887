// SPDX-License-Identifier: MIT

//! r2d2 as one of the pools that are measured: arguments, and the mode for cycles and waits.

mod backend;
mod bugs;
mod frame;
mod scenes;

use backend::Resource;
use frame::{burn_steps, pool, steps_of, threads, Histogram, Pool};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::Barrier;
use std::time::{Duration, Instant};

struct Worker {
    began: Instant,
    cycles: u64,
    failures: u64,
    violations: u64,
    waits: Histogram,
}

fn hold(worker: &mut Worker, resource: &Resource, number: u32, steps: u64) {
    worker.violations += (resource.owner.load(Relaxed) != 0) as u64;
    resource.owner.store(number, Relaxed);
    if steps > 0 {
        burn_steps(steps);
    }
    worker.violations += (resource.owner.load(Relaxed) != number) as u64;
    resource.owner.store(0, Relaxed);
}

fn cycle(pool: &Pool, running: &AtomicBool, number: u32, steps: u64, every: u64) -> Worker {
    let waits = Histogram::new();
    let mut worker = Worker { began: Instant::now(), cycles: 0, failures: 0, violations: 0, waits };
    let mut i = 0;
    while running.load(Relaxed) {
        i += 1;
        let lease = if every > 0 && i % every == 0 {
            let from = Instant::now();
            let lease = pool.get();
            worker.waits.add(from.elapsed());
            lease
        } else {
            pool.get()
        };
        match lease {
            Ok(lease) => {
                hold(&mut worker, &lease, number, steps);
                worker.cycles += 1;
            }
            Err(_) => worker.failures += 1,
        }
    }
    worker
}

/// The conductor may start late among so many busy threads: the first worker's clock counts.
fn pass(pool: &Pool, count: u32, wall: Duration, steps: u64, every: u64) -> (Vec<Worker>, Duration) {
    let running = AtomicBool::new(true);
    let start = Barrier::new(count as usize + 1);
    std::thread::scope(|scope| {
        let conductor = scope.spawn(|| {
            start.wait();
            std::thread::sleep(wall);
            running.store(false, SeqCst);
            Instant::now()
        });
        let workers = threads(count, |number| {
            start.wait();
            cycle(pool, &running, number, steps, every)
        });
        let began = workers.iter().map(|worker| worker.began).min().unwrap();
        (workers, conductor.join().unwrap() - began)
    })
}

fn fairness(workers: &[Worker]) -> f64 {
    let sum: f64 = workers.iter().map(|worker| worker.cycles as f64).sum();
    let squares: f64 = workers.iter().map(|worker| (worker.cycles as f64).powi(2)).sum();
    sum * sum / (workers.len() as f64 * squares)
}

fn run(count: u32, connections: u32, hold_ns: u64, seconds: f64) {
    let pool = pool(connections, 1);
    let wall = Duration::from_secs_f64(seconds);
    let steps = steps_of(hold_ns);
    let all: Vec<_> = (0..connections).map(|_| pool.get().unwrap()).collect();
    drop(all);
    pass(&pool, count, wall / 2, steps, 0);
    let (cost, took) = pass(&pool, count, wall, steps, 0);
    let (waits, _) = pass(&pool, count, wall, steps, if hold_ns > 0 { 1 } else { 8 });
    let cycles: u64 = cost.iter().map(|worker| worker.cycles).sum();
    let both = || cost.iter().chain(&waits);
    let histogram = Histogram::merged(waits.iter().map(|worker| &worker.waits));
    println!(
        "{{\"peer\": \"r2d2\", \"cycles\": {}, \"ns\": {:.2}, \"p50\": {}, \"p99\": {}, \"p999\": {}, \
         \"max\": {}, \"jain\": {:.3}, \"violations\": {}, \"failed\": {}, \"opened\": {}}}",
        cycles,
        took.as_nanos() as f64 / cycles as f64,
        histogram.at(0.5),
        histogram.at(0.99),
        histogram.at(0.999),
        histogram.max,
        fairness(&cost),
        both().map(|worker| worker.violations).sum::<u64>(),
        both().map(|worker| worker.failures).sum::<u64>(),
        backend::ATTEMPTS.load(SeqCst)
    );
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    frame::calibrate();
    match words[..] {
        ["cycle", count, connections, hold_ns, seconds] => run(
            count.parse().unwrap(),
            connections.parse().unwrap(),
            hold_ns.parse().unwrap(),
            seconds.parse().unwrap(),
        ),
        ["spike"] => scenes::spike(),
        ["outage"] => scenes::outage(),
        ["rotate"] => scenes::rotate(),
        ["lost-wakeup"] => bugs::broken_with_waiters(2, 1),
        ["broken-return"] => bugs::broken_with_waiters(1, 0),
        ["resize"] => bugs::cannot("its size is fixed"),
        ["close-race"] => bugs::cannot("it has no close"),
        ["silent-host"] => bugs::silent_host(),
        ["in-flight"] => bugs::cannot("a new password means a new pool"),
        _ => panic!("no such mode"),
    }
    std::process::exit(0); // whatever threads are left
}
