//! halor's side of `benches/peers/compare.py`: the frames and the method of a run file, integrated in memory whenever a
//! line comes on stdin; then a line with the seconds that it took goes to stdout. First of all the plan's seconds, and
//! Q, I and σ of the first frame's full ring, one number to a line.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Frame, read};
use halor::{batch, config};

fn main() {
    let run_file = std::env::args().nth(1).expect("usage: peer RUN_FILE");
    let loaded = config::load(run_file.as_ref(), &[]).unwrap_or_else(|error| panic!("{error}"));
    let frames: Vec<Frame> = loaded.config.samples[0].frames.iter().map(|f| read(f).unwrap().frame).collect();
    let start = Instant::now();
    let plans = batch::prepare(&loaded.config).unwrap().plans;
    let plan_s = start.elapsed().as_secs_f64();
    let engine = CpuEngine::new(Arc::clone(&plans.integration));
    let pattern = engine.integrate(&frames[..1]).unwrap()[0].pattern(&plans.integration, 0);
    println!("{plan_s}\n{}", pattern.radial.len());
    for column in [&pattern.radial, &pattern.intensity, &pattern.sigma] {
        column.iter().for_each(|value| println!("{value:e}"));
    }
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let start = Instant::now();
        for batch in frames.chunks(engine.batch_size()) {
            let sums = engine.integrate(batch).unwrap();
            sums.iter().for_each(|sums| drop(black_box(sums.pattern(&plans.integration, 0))));
        }
        println!("{}", start.elapsed().as_secs_f64());
        std::io::stdout().flush().unwrap();
    }
}
