// SPDX-License-Identifier: MIT

//! The behaviours that show a known bug: bugs.c in Rust.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use crate::backend::{FAIL_NEXT, LAG_MS};
use crate::frame::*;

const PATIENCE: Duration = Duration::from_secs(3);
const SETTLE: Duration = Duration::from_millis(100);

pub fn cannot(why: &str) {
    println!("{{\"peer\": \"r2d2\", \"cannot\": \"{}\"}}", why);
}

pub fn broken_with_waiters(waiters: u32, failing_opens: u32) {
    let pool = pool(1, 1);
    let mut lease = pool.get_timeout(PATIENCE).unwrap();
    let (from, ends) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            threads(waiters, |_| {
                let served = pool.get_timeout(PATIENCE).is_ok();
                (served, Instant::now())
            })
        });
        std::thread::sleep(SETTLE);
        FAIL_NEXT.store(failing_opens, SeqCst);
        let from = Instant::now();
        lease.broken = true;
        drop(lease);
        (from, waiting.join().unwrap())
    });
    let served = ends.iter().filter(|end| end.0).count();
    let last = ends.iter().map(|end| end.1).max().unwrap();
    println!(
        "{{\"peer\": \"r2d2\", \"waiters\": {}, \"served\": {}, \"ms\": {:.1}}}",
        waiters,
        served,
        ms(last - from)
    );
}

pub fn silent_host() {
    let pool = pool(2, 1);
    let mut lease = pool.get_timeout(PATIENCE).unwrap();
    let mut worst = Duration::ZERO;
    LAG_MS.store(1500, SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| drop(pool.get_timeout(PATIENCE))); // it needs a second one
        std::thread::sleep(SETTLE);
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            let from = Instant::now();
            drop(lease);
            lease = pool.get_timeout(PATIENCE).unwrap();
            worst = worst.max(from.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(lease);
    });
    println!("{{\"peer\": \"r2d2\", \"ms\": {:.1}}}", ms(worst));
}
