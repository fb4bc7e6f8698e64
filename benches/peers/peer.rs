//! halor's side of `benches/peers/compare.py`: the frames and the method of a run file, in memory. For each line on stdin it
//! does what the line says and prints the seconds that it took. First of all it prints the plan's seconds, the bytes of its
//! matrix, and Q, I and σ of the first frame's full ring, one number to a line.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameFile};
use halor::integrate::{IntegrationPlan, Pattern};
use halor::pipeline::{Plans, reduce_all};
use halor::{batch, config};
use rayon::prelude::*;

struct Peer {
    plans: Plans,
    engine: CpuEngine,
    paths: Vec<std::path::PathBuf>,
    frames: Vec<Frame>,
}

impl Peer {
    /// What a word on stdin asks for.
    fn work(&self, word: &str) {
        match word {
            "integrate" => drop(self.patterns()),
            "to-g" => {
                let patterns = self.patterns();
                let all: Vec<&Pattern> = patterns.iter().collect();
                black_box(reduce_all(&all, self.plans.reduction.as_ref().expect("the run file has no pdf")));
            }
            // As a run does: the memory of a batch is that of one before.
            "decode" => batches(&self.paths).for_each(|frames| drop(black_box(frames))),
            "read-memory" => self.frames.iter().for_each(|frame| {
                let Counts::I32(counts) = &frame.counts else { panic!("frames of i32") };
                let sum = |piece: &[i32]| piece.iter().fold(0i32, |sum, count| sum.wrapping_add(*count));
                black_box(counts.par_chunks(1 << 16).map(sum).reduce(|| 0, i32::wrapping_add));
            }),
            other => panic!("`{other}` is not integrate, to-g, decode or read-memory"),
        }
    }

    /// The full ring of each frame; whatever else the run file asks for is integrated too.
    fn patterns(&self) -> Vec<Pattern> {
        let plan: &IntegrationPlan = &self.plans.integration;
        let mut patterns = Vec::with_capacity(self.frames.len());
        for batch in self.frames.chunks(self.engine.batch_size()) {
            for sums in self.engine.integrate(batch).unwrap() {
                patterns.push(sums.pattern(plan, 0));
                self.engine.take_back(black_box(sums));
            }
        }
        patterns
    }
}

/// The frames, as many files at once as a run reads.
fn batches(paths: &[std::path::PathBuf]) -> impl Iterator<Item = Vec<Frame>> {
    paths.chunks(8 * rayon::current_num_threads()).map(|paths| {
        let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
        let files = FrameFile::read_all(&paths).into_par_iter();
        files.map(|file| file.unwrap().image(0).unwrap().frame).collect()
    })
}

fn main() {
    let run_file = std::env::args().nth(1).expect("usage: peer RUN_FILE");
    let set = ["plan_cache=off".to_owned()];
    let loaded = config::load(run_file.as_ref(), &set).unwrap_or_else(|error| panic!("{error}"));
    let start = Instant::now();
    let plans = batch::prepare(&loaded.config).unwrap().plans;
    let plan_s = start.elapsed().as_secs_f64();
    let paths: Vec<_> = loaded.config.samples[0].frames.iter().map(|frame| frame.path.clone()).collect();
    let engine = CpuEngine::new(Arc::clone(&plans.integration));
    let peer = Peer { engine, frames: batches(&paths).flatten().collect(), paths, plans };
    let pattern = peer.engine.integrate(&peer.frames[..1]).unwrap()[0].pattern(&peer.plans.integration, 0);
    println!("{plan_s}\n{}\n{}", peer.engine.matrix_bytes(), pattern.radial.len());
    for column in [&pattern.radial, &pattern.intensity, &pattern.sigma] {
        column.iter().for_each(|value| println!("{value:e}"));
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let start = Instant::now();
        peer.work(line.trim());
        println!("{}", start.elapsed().as_secs_f64());
        std::io::stdout().flush().unwrap();
    }
}
