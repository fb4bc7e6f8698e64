//! Which engine a run gets.

use std::sync::Arc;

use super::cpu::{self, CpuEngine};
use super::gpu::{AdapterSummary, GpuDevice, GpuEngine, adapters};
use super::{Engine, EngineError, EngineInfo};
use crate::config::EngineChoice;
use crate::frame::Frame;
use crate::integrate::{Accumulators, IntegrationPlan};

/// What a choice means on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selection {
    /// The native engine.
    Cpu,
    /// This adapter, and nothing else will do.
    Adapter(AdapterSummary),
    /// This adapter if the plan fits it, else the native engine.
    AdapterOrCpu(AdapterSummary),
}

/// An engine of the wanted kind for a plan.
///
/// `Auto` takes a real GPU, and the native engine where there is none or where the GPU refuses the plan; the reason is
/// then in the detail of [`EngineInfo`] and in the log.
///
/// # Errors
/// No such adapter, or it does not take the plan.
pub fn select(choice: &EngineChoice, plan: Arc<IntegrationPlan>) -> Result<Box<dyn Engine>, EngineError> {
    match chosen(choice, adapters)? {
        Selection::Cpu => Ok(Box::new(CpuEngine::new(plan))),
        Selection::Adapter(adapter) => Ok(Box::new(gpu_engine(&adapter, plan)?)),
        Selection::AdapterOrCpu(adapter) => match gpu_engine(&adapter, Arc::clone(&plan)) {
            Ok(engine) => Ok(Box::new(engine)),
            Err(error) => {
                tracing::warn!("the CPU integrates instead of {adapter}: {error}");
                Ok(Box::new(StandIn::new(CpuEngine::new(plan), &error)))
            }
        },
    }
}

/// What [`select`] would choose, without a plan.
///
/// # Errors
/// No such adapter.
pub fn plan_engine(choice: &EngineChoice) -> Result<EngineInfo, EngineError> {
    Ok(match chosen(choice, adapters)? {
        Selection::Cpu => cpu::info(),
        Selection::Adapter(adapter) | Selection::AdapterOrCpu(adapter) => adapter.engine_info(),
    })
}

fn gpu_engine(adapter: &AdapterSummary, plan: Arc<IntegrationPlan>) -> Result<GpuEngine, EngineError> {
    GpuEngine::new(plan, GpuDevice::open(adapter)?)
}

/// `list` is asked only where adapters matter: loading the graphics drivers takes a moment.
fn chosen(
    choice: &EngineChoice,
    list: impl FnOnce() -> Vec<AdapterSummary>,
) -> Result<Selection, EngineError> {
    match choice {
        EngineChoice::Cpu => Ok(Selection::Cpu),
        EngineChoice::Auto => Ok(best_gpu(&list()).map_or(Selection::Cpu, Selection::AdapterOrCpu)),
        EngineChoice::Gpu => {
            let adapters = list();
            let none = || EngineError::NoGpu { seen: listed(&adapters) };
            best_gpu(&adapters).map(Selection::Adapter).ok_or_else(none)
        }
        EngineChoice::Adapter(wanted) => {
            let adapters = list();
            let none = || EngineError::NoAdapter { wanted: wanted.clone(), seen: listed(&adapters) };
            let has_name = |a: &&AdapterSummary| a.name.to_lowercase().contains(&wanted.to_lowercase());
            adapters.iter().find(has_name).cloned().map(Selection::Adapter).ok_or_else(none)
        }
    }
}

/// The first discrete GPU, else the first GPU of another kind.
fn best_gpu(adapters: &[AdapterSummary]) -> Option<AdapterSummary> {
    let mut gpus: Vec<_> = adapters.iter().filter(|adapter| adapter.is_gpu()).collect();
    // Stable: adapters of one kind stay in the order of the graphics API.
    gpus.sort_by_key(|adapter| !adapter.is_discrete());
    gpus.first().copied().cloned()
}

fn listed(adapters: &[AdapterSummary]) -> String {
    if adapters.is_empty() {
        return "none".to_owned();
    }
    adapters.iter().map(AdapterSummary::to_string).collect::<Vec<_>>().join(", ")
}

/// The native engine in place of a GPU that refused.
struct StandIn {
    engine: CpuEngine,
    info: EngineInfo,
}

impl StandIn {
    fn new(engine: CpuEngine, refusal: &EngineError) -> StandIn {
        let mut info = engine.info().clone();
        info.detail = format!("{}; in place of the GPU: {refusal}", info.detail);
        StandIn { engine, info }
    }
}

impl Engine for StandIn {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        self.engine.batch_size()
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        self.engine.integrate(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gpu::AdapterKind;
    use super::*;

    fn adapter(name: &str, kind: AdapterKind) -> AdapterSummary {
        AdapterSummary {
            name: name.to_owned(),
            kind,
            backend: "vulkan".to_owned(),
            driver: "driver 1.0".to_owned(),
            binding_limit: 1 << 27,
        }
    }

    fn machine() -> Vec<AdapterSummary> {
        vec![
            adapter("llvmpipe (LLVM 15)", AdapterKind::Software),
            adapter("Little GPU", AdapterKind::Integrated),
            adapter("Big GPU", AdapterKind::Discrete),
            adapter("Mystery", AdapterKind::Unknown),
        ]
    }

    #[test]
    fn auto_and_gpu_take_a_real_gpu_and_never_a_software_driver() {
        let all = machine();
        let big = all[2].clone();
        assert_eq!(chosen(&EngineChoice::Auto, machine).unwrap(), Selection::AdapterOrCpu(big.clone()));
        assert_eq!(chosen(&EngineChoice::Gpu, machine).unwrap(), Selection::Adapter(big));
        assert_eq!(chosen(&EngineChoice::Cpu, || panic!("not asked for")).unwrap(), Selection::Cpu);
        let software = || machine()[..1].to_vec();
        assert_eq!(chosen(&EngineChoice::Auto, software).unwrap(), Selection::Cpu);
        let refused = chosen(&EngineChoice::Gpu, software).unwrap_err().to_string();
        assert!(
            refused.contains("llvmpipe (LLVM 15)") && refused.contains("mesa-vulkan-drivers"),
            "{refused}"
        );
        let refused = chosen(&EngineChoice::Gpu, Vec::new).unwrap_err().to_string();
        assert!(refused.contains("adapters: none"), "{refused}");
    }

    #[test]
    fn a_name_takes_any_adapter_that_has_it() {
        let all = machine();
        let by_name = |name: &str| chosen(&EngineChoice::Adapter(name.to_owned()), machine);
        assert_eq!(by_name("LLVMpipe").unwrap(), Selection::Adapter(all[0].clone()));
        assert_eq!(by_name("little").unwrap(), Selection::Adapter(all[1].clone()));
        let refused = by_name("radeon").unwrap_err().to_string();
        assert!(refused.contains("`radeon`") && all.iter().all(|a| refused.contains(&a.name)), "{refused}");
    }
}
