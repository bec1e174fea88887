// SPDX-License-Identifier: MIT

//! Threads, the busy loop and waiting times, as frame.c has them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::RwLock;
use std::time::{Duration, Instant};

use crate::backend::Manager;

pub type Pool = r2d2::Pool<Manager>;
pub type Lease = r2d2::PooledConnection<Manager>;

pub static PASSWORD: AtomicU32 = AtomicU32::new(1);
static STEPS_PER_US: AtomicU64 = AtomicU64::new(0);

pub fn pool(max: u32, password: u32) -> Pool {
    r2d2::Pool::builder()
        .max_size(max)
        .min_idle(Some(0)) // else it opens all of them at once
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .connection_timeout(Duration::from_secs(60))
        .build_unchecked(Manager { password })
}

/// The present pool, for users who replace it.
pub struct Replaceable(pub RwLock<Pool>);

impl Replaceable {
    pub fn take(&self, patience: Duration) -> Option<Lease> {
        let pool = self.0.read().unwrap().clone();
        pool.get_timeout(patience).ok()
    }

    /// The old one goes with its last lease.
    pub fn rotate(&self, max: u32, password: u32) {
        let next = pool(max, password);
        let old = std::mem::replace(&mut *self.0.write().unwrap(), next);
        PASSWORD.fetch_max(password, SeqCst);
        drop(old);
    }
}

/// Runs it in so many threads, each given its number from 1, and collects what they return.
pub fn threads<T: Send>(count: u32, run: impl Fn(u32) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let run = &run;
        let all: Vec<_> = (1..=count).map(|number| scope.spawn(move || run(number))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[inline(never)]
pub fn burn_steps(steps: u64) {
    let mut x = steps;
    for _ in 0..steps {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    }
    unsafe { std::ptr::read_volatile(&x) };
}

pub fn steps_of(ns: u64) -> u64 {
    ns * STEPS_PER_US.load(SeqCst) / 1000
}

pub fn calibrate() {
    const STEPS: u64 = 1_000_000;
    let once = || {
        let from = Instant::now();
        burn_steps(STEPS);
        from.elapsed().as_nanos() as u64
    };
    let best = (0..7).map(|_| once()).min().unwrap();
    STEPS_PER_US.store(STEPS * 1000 / best, SeqCst);
}

pub struct Histogram {
    pub count: u64,
    pub max: u64,
    buckets: Vec<u32>,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { count: 0, max: 0, buckets: vec![0; 1024] }
    }

    pub fn add(&mut self, wait: Duration) {
        let ns = wait.as_nanos() as u64;
        let mut bucket = ns;
        if ns >= 16 {
            let top = 63 - ns.leading_zeros() as u64;
            bucket = (top - 3) * 16 + (ns >> (top - 4) & 15);
        }
        self.count += 1;
        self.buckets[bucket as usize] += 1;
        self.max = self.max.max(ns);
    }

    pub fn merged<'a>(all: impl Iterator<Item = &'a Histogram>) -> Histogram {
        let mut sum = Histogram::new();
        for one in all {
            sum.count += one.count;
            sum.max = sum.max.max(one.max);
            for (into, from) in sum.buckets.iter_mut().zip(&one.buckets) {
                *into += from;
            }
        }
        sum
    }

    pub fn at(&self, share: f64) -> u64 {
        let wanted = (self.count as f64 * share) as u64;
        let mut seen = 0;
        for (i, &count) in self.buckets.iter().enumerate() {
            seen += count as u64;
            if seen > wanted {
                return if i < 16 { i as u64 } else { (16 + i as u64 % 16) << (i / 16 - 1) };
            }
        }
        self.max
    }
}

pub fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1000.0
}

pub fn ns_as_ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

pub fn sleep_until(at: Instant) {
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
}
