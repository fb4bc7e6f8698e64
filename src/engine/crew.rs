//! The engines of a run: frames go to whichever is free, and where one fails the native engine does its frames again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::cpu::CpuEngine;
use super::{DeviceTimes, Engine, EngineError, EngineInfo, EngineKind};
use crate::frame::Frame;
use crate::integrate::{Accumulators, IntegrationPlan};

/// Engines that share the frames of a run.
///
/// A card that is lost or runs out of memory gets no more frames: those that it had are integrated by the native engine,
/// and so is the rest where no other engine is left. Engines agree within the bounds that each states; the bits of a
/// frame's sums are those of the engine that did it.
pub struct Crew {
    plan: Arc<IntegrationPlan>,
    members: Vec<Member>,
    /// Where no member is native; made when it is needed first.
    native: OnceLock<Member>,
}

/// One of the engines.
struct Member {
    engine: Box<dyn Engine>,
    frames: AtomicU64,
    /// Why it gets no more frames.
    fault: OnceLock<String>,
}

/// What one engine did in a run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EngineUse {
    /// Which.
    #[serde(flatten)]
    pub info: EngineInfo,
    /// Frames that it integrated.
    pub frames: u64,
    /// Why it was given no more; `None` while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What its card did, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_times: Option<DeviceTimes>,
}

/// Sums of frames, and why the native engine made them if it did so in place of another.
#[derive(Debug)]
pub struct Integrated {
    /// One set per frame, in order.
    pub sums: Vec<Accumulators>,
    /// Set where an engine failed at these very frames.
    pub fault: Option<String>,
}

impl Member {
    fn new(engine: Box<dyn Engine>) -> Member {
        Member { engine, frames: AtomicU64::new(0), fault: OnceLock::new() }
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        let sums = self.engine.integrate(frames)?;
        self.frames.fetch_add(frames.len() as u64, Ordering::Relaxed);
        Ok(sums)
    }

    fn works(&self) -> bool {
        self.fault.get().is_none()
    }

    fn used(&self) -> EngineUse {
        EngineUse {
            info: self.engine.info().clone(),
            frames: self.frames.load(Ordering::Relaxed),
            fault: self.fault.get().cloned(),
            device_times: self.engine.device_times(),
        }
    }
}

impl Crew {
    /// Engines for one plan; the native one where none is given.
    pub fn new(plan: Arc<IntegrationPlan>, engines: Vec<Box<dyn Engine>>) -> Crew {
        let mut members: Vec<Member> = engines.into_iter().map(Member::new).collect();
        if members.is_empty() {
            members.push(Member::new(Box::new(CpuEngine::new(Arc::clone(&plan)))));
        }
        Crew { plan, members, native: OnceLock::new() }
    }

    /// One entry for each thread that should bring frames: the index of the engine that it brings them to.
    pub fn threads(&self) -> Vec<usize> {
        let of_member =
            |(index, member): (usize, &Member)| vec![index; member.engine.info().kind.calls_at_once()];
        self.members.iter().enumerate().flat_map(of_member).collect()
    }

    /// Of each engine.
    pub fn kinds(&self) -> Vec<EngineKind> {
        self.members.iter().map(|member| member.engine.info().kind).collect()
    }

    /// How many frames all of them like to get at once.
    pub fn batch_size(&self) -> usize {
        self.members.iter().map(|member| member.engine.batch_size()).min().unwrap_or(1)
    }

    /// Integrates with engine `index`, or in its place once it has failed.
    ///
    /// # Errors
    /// A frame that does not fit the plan.
    pub fn integrate(&self, index: usize, frames: &[Frame]) -> Result<Integrated, EngineError> {
        let member = &self.members[index];
        if !member.works() {
            return Ok(Integrated { sums: self.native().integrate(frames)?, fault: None });
        }
        match member.integrate(frames) {
            Ok(sums) => Ok(Integrated { sums, fault: None }),
            Err(error) if error.is_of_the_device() => {
                let fault = error.to_string();
                member.fault.get_or_init(|| fault.clone());
                Ok(Integrated { sums: self.native().integrate(frames)?, fault: Some(fault) })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether threads should go on bringing frames to engine `index`: it works, or there is no other that does.
    pub fn goes_on(&self, index: usize) -> bool {
        self.members[index].works() || !self.members.iter().any(Member::works)
    }

    /// What each engine did so far; the native one in place of others comes last, if it was needed.
    pub fn uses(&self) -> Vec<EngineUse> {
        self.members.iter().chain(self.native.get()).map(Member::used).collect()
    }

    /// Gives back sums whose memory the native engine can use again.
    pub fn take_back(&self, sums: Accumulators) {
        let native = |member: &&Member| member.engine.info().kind == EngineKind::Cpu;
        if let Some(member) = self.members.iter().chain(self.native.get()).find(native) {
            member.engine.take_back(sums);
        }
    }

    /// What engine `index` says of itself.
    pub fn info_of(&self, index: usize) -> &EngineInfo {
        self.members[index].engine.info()
    }

    /// What the first engine says of itself.
    pub fn info(&self) -> &EngineInfo {
        self.members[0].engine.info()
    }

    fn native(&self) -> &Member {
        let is_native = |member: &&Member| member.works() && member.engine.info().kind == EngineKind::Cpu;
        let made = || Member::new(Box::new(CpuEngine::new(Arc::clone(&self.plan))));
        self.members.iter().find(is_native).unwrap_or_else(|| self.native.get_or_init(made))
    }
}
