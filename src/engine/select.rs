//! Which engines a run gets.

use std::sync::Arc;

use super::cpu::{self, CpuEngine};
use super::gpu::{self, Adapter, AdapterSummary, GpuDevice, GpuEngine, adapters};
use super::{Engine, EngineError, EngineInfo};
use crate::config::EngineChoice;
use crate::frame::{Frame, Shape};
use crate::integrate::{Accumulators, Filter, IntegrationPlan};

/// What a choice means on this machine; adapters by their place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selection {
    /// The native engine.
    Cpu,
    /// This adapter, and nothing else will do.
    Adapter(usize),
    /// This adapter if the plan fits it, else the native engine.
    AdapterOrCpu(usize),
}

/// The engines of the wanted kinds for a plan, which share its frames; one, unless several are named.
///
/// `Auto` takes a real GPU, and the native engine where there is none or where the GPU refuses the plan. Where a GPU cannot
/// filter the plan's rings since its bindings do not hold a frame, the native engine does, whatever the choice. The reason is
/// then in the detail of [`EngineInfo`] and in the log.
///
/// # Errors
/// No such adapter, or it does not take the plan.
pub fn select_all(
    choice: &EngineChoice,
    plan: &Arc<IntegrationPlan>,
) -> Result<Vec<Box<dyn Engine>>, EngineError> {
    let adapters = adapters_for(choice);
    let selections = chosen(choice, &summaries(&adapters))?;
    selections.into_iter().map(|selection| engine(selection, &adapters, plan)).collect()
}

/// The first engine of [`select_all`].
///
/// # Errors
/// As [`select_all`].
pub fn select(choice: &EngineChoice, plan: Arc<IntegrationPlan>) -> Result<Box<dyn Engine>, EngineError> {
    let first = select_all(choice, &plan)?.into_iter().next();
    Ok(first.unwrap_or_else(|| Box::new(CpuEngine::new(plan))))
}

fn engine(
    selection: Selection,
    adapters: &[Adapter],
    plan: &Arc<IntegrationPlan>,
) -> Result<Box<dyn Engine>, EngineError> {
    let native = || CpuEngine::new(Arc::clone(plan));
    let (index, refused) = match selection {
        Selection::Cpu => return Ok(Box::new(native())),
        Selection::Adapter(index) => (index, refuses(&adapters[index].summary, plan.filter, plan.shape)),
        Selection::AdapterOrCpu(index) => match gpu_engine(&adapters[index], Arc::clone(plan)) {
            Ok(engine) => return Ok(Box::new(engine)),
            Err(error) => (index, Some(error)),
        },
    };
    let Some(error) = refused else { return Ok(Box::new(gpu_engine(&adapters[index], Arc::clone(plan))?)) };
    tracing::warn!("the CPU integrates instead of {}: {error}", adapters[index].summary);
    Ok(Box::new(StandIn::new(native(), &error)))
}

/// Why an adapter does not take a plan with this filter.
fn refuses(adapter: &AdapterSummary, filter: Filter, shape: Shape) -> Option<EngineError> {
    (filter != Filter::Off).then(|| gpu::holds_frames(adapter, shape).err()).flatten()
}

/// What [`select_all`] would choose for a plan with this filter.
///
/// # Errors
/// No such adapter.
pub fn plan_engines(
    choice: &EngineChoice,
    filter: Filter,
    shape: Shape,
) -> Result<Vec<EngineInfo>, EngineError> {
    let adapters = summaries(&adapters_for(choice));
    let info = |selection| match selection {
        Selection::Cpu => cpu::info(filter),
        Selection::Adapter(index) | Selection::AdapterOrCpu(index) => {
            match refuses(&adapters[index], filter, shape) {
                Some(error) => in_place_of_gpu(cpu::info(filter), &error),
                None => adapters[index].engine_info(),
            }
        }
    };
    Ok(chosen(choice, &adapters)?.into_iter().map(info).collect())
}

/// What an engine says of itself that stands in for a GPU.
fn in_place_of_gpu(engine: EngineInfo, refusal: &EngineError) -> EngineInfo {
    EngineInfo { detail: format!("{}; in place of the GPU: {refusal}", engine.detail), ..engine }
}

fn gpu_engine(adapter: &Adapter, plan: Arc<IntegrationPlan>) -> Result<GpuEngine, EngineError> {
    GpuEngine::new(plan, GpuDevice::open(adapter)?)
}

/// The adapters of this machine, where the choice depends on them: loading the graphics drivers takes a moment.
fn adapters_for(choice: &EngineChoice) -> Vec<Adapter> {
    match choice {
        EngineChoice::Cpu => Vec::new(),
        EngineChoice::Several(choices) if choices.iter().all(|choice| *choice == EngineChoice::Cpu) => {
            Vec::new()
        }
        EngineChoice::Auto
        | EngineChoice::Gpu
        | EngineChoice::AllGpus
        | EngineChoice::Adapter(_)
        | EngineChoice::Several(_) => adapters(),
    }
}

fn summaries(adapters: &[Adapter]) -> Vec<AdapterSummary> {
    adapters.iter().map(|adapter| adapter.summary.clone()).collect()
}

fn chosen(choice: &EngineChoice, adapters: &[AdapterSummary]) -> Result<Vec<Selection>, EngineError> {
    let no_gpu = || EngineError::NoGpu { seen: listed(adapters) };
    match choice {
        EngineChoice::Cpu => Ok(vec![Selection::Cpu]),
        EngineChoice::Auto => Ok(vec![best_gpu(adapters).map_or(Selection::Cpu, Selection::AdapterOrCpu)]),
        EngineChoice::Gpu => Ok(vec![best_gpu(adapters).map(Selection::Adapter).ok_or_else(no_gpu)?]),
        EngineChoice::AllGpus => {
            // A card is listed once under each graphics API.
            let api = best_gpu(adapters).map(|best| &adapters[best].backend);
            let of_api = |adapter: &AdapterSummary| adapter.is_gpu() && Some(&adapter.backend) == api;
            let gpus = adapters.iter().enumerate().filter(|(_, adapter)| of_api(adapter));
            let all: Vec<Selection> = gpus.map(|(index, _)| Selection::Adapter(index)).collect();
            if all.is_empty() { Err(no_gpu()) } else { Ok(all) }
        }
        EngineChoice::Adapter(wanted) => {
            let none = || EngineError::NoAdapter { wanted: wanted.clone(), seen: listed(adapters) };
            let has_name = |a: &AdapterSummary| a.name.to_lowercase().contains(&wanted.to_lowercase());
            Ok(vec![adapters.iter().position(has_name).map(Selection::Adapter).ok_or_else(none)?])
        }
        EngineChoice::Several(choices) => {
            let all: Vec<_> = choices.iter().map(|c| chosen(c, adapters)).collect::<Result<_, _>>()?;
            Ok(all.into_iter().flatten().collect())
        }
    }
}

/// The first discrete GPU, else the first GPU of another kind.
fn best_gpu(adapters: &[AdapterSummary]) -> Option<usize> {
    let discrete = adapters.iter().position(AdapterSummary::is_discrete);
    discrete.or_else(|| adapters.iter().position(AdapterSummary::is_gpu))
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
        StandIn { info: in_place_of_gpu(engine.info().clone(), refusal), engine }
    }
}

impl Engine for StandIn {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn take_back(&self, sums: Accumulators) {
        self.engine.take_back(sums);
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
        let chosen =
            |choice: &EngineChoice, of: &[AdapterSummary]| super::chosen(choice, of).map(|all| all[0]);
        assert_eq!(chosen(&EngineChoice::Auto, &all).unwrap(), Selection::AdapterOrCpu(2));
        assert_eq!(chosen(&EngineChoice::Gpu, &all).unwrap(), Selection::Adapter(2));
        assert_eq!(chosen(&EngineChoice::Gpu, &all[..2]).unwrap(), Selection::Adapter(1));
        assert_eq!(chosen(&EngineChoice::Cpu, &all).unwrap(), Selection::Cpu);
        let software = &all[..1];
        assert_eq!(chosen(&EngineChoice::Auto, software).unwrap(), Selection::Cpu);
        let refused = chosen(&EngineChoice::Gpu, software).unwrap_err().to_string();
        assert!(
            refused.contains("llvmpipe (LLVM 15)") && refused.contains("mesa-vulkan-drivers"),
            "{refused}"
        );
        let refused = chosen(&EngineChoice::Gpu, &[]).unwrap_err().to_string();
        assert!(refused.contains("adapters: none"), "{refused}");
    }

    #[test]
    fn a_name_takes_any_adapter_that_has_it() {
        let all = machine();
        let by_name = |name: &str| chosen(&EngineChoice::Adapter(name.to_owned()), &all).map(|all| all[0]);
        assert_eq!(by_name("LLVMpipe").unwrap(), Selection::Adapter(0));
        assert_eq!(by_name("little").unwrap(), Selection::Adapter(1));
        let refused = by_name("radeon").unwrap_err().to_string();
        assert!(refused.contains("`radeon`") && all.iter().all(|a| refused.contains(&a.name)), "{refused}");
    }

    #[test]
    fn several_are_those_that_are_named_and_all_are_the_real_ones() {
        let all = machine();
        assert_eq!(chosen(&EngineChoice::AllGpus, &all).unwrap(), [1, 2].map(Selection::Adapter));
        assert!(matches!(chosen(&EngineChoice::AllGpus, &all[..1]), Err(EngineError::NoGpu { .. })));
        let llvmpipe = || EngineChoice::Adapter("llvmpipe".to_owned());
        let several = EngineChoice::Several(vec![llvmpipe(), EngineChoice::Cpu, llvmpipe()]);
        let expected = [Selection::Adapter(0), Selection::Cpu, Selection::Adapter(0)];
        assert_eq!(chosen(&several, &all).unwrap(), expected);
    }
}
