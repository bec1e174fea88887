// SPDX-License-Identifier: MIT

//! A spike, an outage, a password that keeps changing: scenes.c in Rust, number for number.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::RwLock;
use std::time::{Duration, Instant};

use crate::backend::{ATTEMPTS, DOWN, LAG_MS, PEAK};
use crate::frame::*;

#[derive(Default)]
struct Counts {
    asked: AtomicU32,
    failed: AtomicU32,
}

impl Counts {
    fn take(&self, pool: &Replaceable, patience: Duration, waits: &mut Histogram) -> Option<Lease> {
        let from = Instant::now();
        let lease = pool.take(patience);
        waits.add(from.elapsed());
        self.asked.fetch_add(1, SeqCst);
        if lease.is_none() {
            self.failed.fetch_add(1, SeqCst);
        }
        lease
    }
}

pub fn spike() {
    let counts = Counts::default();
    LAG_MS.store(150, SeqCst);
    let pool = Replaceable(RwLock::new(pool(50, 1)));
    let began = Instant::now();
    let waits = threads(50, |_| {
        let mut waits = Histogram::new();
        if let Some(lease) = counts.take(&pool, Duration::from_secs(10), &mut waits) {
            std::thread::sleep(Duration::from_millis(2));
            drop(lease);
        }
        waits
    });
    let took = began.elapsed();
    let all = Histogram::merged(waits.iter());
    println!(
        "{{\"peer\": \"r2d2\", \"opened\": {}, \"failed\": {}, \"ms\": {:.1}, \"p50_ms\": {:.1}, \
         \"max_ms\": {:.1}}}",
        ATTEMPTS.load(SeqCst),
        counts.failed.load(SeqCst),
        ms(took),
        ns_as_ms(all.at(0.5)),
        ns_as_ms(all.max)
    );
}

pub fn outage() {
    const LENGTH: Duration = Duration::from_secs(3);
    const END: Duration = Duration::from_secs(13);
    let counts = Counts::default();
    let first = AtomicU64::new(0);
    DOWN.store(true, SeqCst);
    LAG_MS.store(1, SeqCst);
    let pool = Replaceable(RwLock::new(pool(8, 1)));
    let began = Instant::now();
    let repair = std::thread::spawn(move || {
        sleep_until(began + LENGTH);
        let attempts = ATTEMPTS.load(SeqCst);
        DOWN.store(false, SeqCst);
        attempts
    });
    let waits = threads(8, |_| {
        let mut waits = Histogram::new();
        let mut at = Instant::now();
        while first.load(SeqCst) == 0 && began.elapsed() < END {
            if counts.take(&pool, Duration::from_secs(1), &mut waits).is_some() {
                let now = began.elapsed().as_nanos() as u64;
                let _ = first.compare_exchange(0, now, SeqCst, SeqCst);
            }
            at = (at + Duration::from_millis(10)).max(Instant::now());
            sleep_until(at);
        }
        waits
    });
    let first = first.load(SeqCst);
    println!(
        "{{\"peer\": \"r2d2\", \"attempts\": {}, \"asked\": {}, \"answered_ms\": {:.1}, \
         \"first_ms\": {:.1}}}",
        repair.join().unwrap(),
        counts.asked.load(SeqCst),
        ns_as_ms(Histogram::merged(waits.iter()).at(0.5)),
        if first == 0 { -1.0 } else { ns_as_ms(first) - ms(LENGTH) }
    );
}

pub fn rotate() {
    const ROTATIONS: u32 = 30;
    let counts = Counts::default();
    let over = AtomicBool::new(false);
    let stale = AtomicU32::new(0);
    LAG_MS.store(5, SeqCst);
    let pool = Replaceable(RwLock::new(pool(8, 1)));
    let began = Instant::now();
    let waits = std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 1..=ROTATIONS {
                sleep_until(began + Duration::from_millis(100) * i);
                pool.rotate(8, 1 + i);
            }
            std::thread::sleep(Duration::from_millis(100));
            over.store(true, SeqCst);
        });
        threads(8, |_| {
            let mut waits = Histogram::new();
            let mut at = Instant::now();
            while !over.load(SeqCst) {
                sleep_until(at);
                at += Duration::from_micros(400);
                let wanted = PASSWORD.load(SeqCst);
                if let Some(lease) = counts.take(&pool, Duration::from_secs(1), &mut waits) {
                    stale.fetch_add((lease.password < wanted) as u32, SeqCst);
                    burn_steps(steps_of(25_000));
                }
            }
            waits
        })
    });
    let all = Histogram::merged(waits.iter());
    println!(
        "{{\"peer\": \"r2d2\", \"rate\": {:.0}, \"switched\": {}, \"failed\": {}, \"p999_us\": {:.1}, \
         \"max_us\": {:.1}, \"peak\": {}, \"stale\": {}}}",
        counts.asked.load(SeqCst) as f64 / began.elapsed().as_secs_f64(),
        PASSWORD.load(SeqCst) - 1,
        counts.failed.load(SeqCst),
        all.at(0.999) as f64 / 1000.0,
        all.max as f64 / 1000.0,
        PEAK.load(SeqCst),
        stale.load(SeqCst)
    );
}
