//! The compute stages: sources, bindings and pipelines.

use super::device::GpuDevice;
use crate::engine::EngineError;

/// A compute stage; one WGSL file each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Pixel geometry and corrections → norm, once per plan.
    Geometry,
    /// Counts → signal and variance.
    Correct,
    /// Sums of large bins.
    Integrate,
    /// Sums of small bins.
    SmallBins,
    /// Filtered sums of all bins.
    Filter,
}

/// Constants that a stage is compiled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Constants {
    /// vec4 per pixel: a pass takes four times as many frames.
    pub(super) groups: usize,
    /// What the variance of a pixel is.
    pub(super) variance: Variance,
    /// Which filter the filter stage does, a number of `layout`; the other stages do not look at it.
    pub(super) filter: u32,
}

/// What the variance of a pixel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variance {
    /// Its counts, which are its signal too.
    Counts,
    /// A number of its own: dead time or a dark frame come in.
    Own,
}

/// How a stage uses a binding; its number is its place in [`Stage::bindings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// Uniform structure.
    Uniform,
    /// Storage that is read.
    Read,
    /// Storage that is written.
    Write,
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Stage::Geometry => "geometry",
            Stage::Correct => "correct",
            Stage::Integrate => "integrate",
            Stage::SmallBins => "small bins",
            Stage::Filter => "filter",
        }
    }

    /// The whole WGSL text: constants, shared structures, the stage.
    pub(super) fn source(self, constants: Constants) -> String {
        let sums = include_str!("../../../shaders/sums.wgsl");
        let parts = match self {
            Stage::Geometry => vec![include_str!("../../../shaders/geometry.wgsl")],
            Stage::Correct => vec![include_str!("../../../shaders/correct.wgsl")],
            Stage::Integrate => vec![sums, include_str!("../../../shaders/integrate.wgsl")],
            Stage::SmallBins => vec![sums, include_str!("../../../shaders/small_bins.wgsl")],
            Stage::Filter => vec![
                sums,
                include_str!("../../../shaders/quantile.wgsl"),
                include_str!("../../../shaders/filter.wgsl"),
            ],
        };
        let stage = parts.join("\n");
        let common = include_str!("../../../shaders/common.wgsl");
        let plain = constants.variance == Variance::Counts;
        let Constants { groups, filter, .. } = constants;
        format!(
            "const GROUPS: u32 = {groups}u;\nconst PLAIN: bool = {plain};\nconst FILTER: u32 = {filter}u;\n\
             {common}\n{stage}"
        )
    }

    /// Its bindings in the order of their numbers, as declared in the WGSL file.
    pub(super) fn bindings(self) -> &'static [Binding] {
        use Binding::{Read, Uniform, Write};
        match self {
            Stage::Geometry => &[Uniform, Read, Read, Write],
            Stage::Correct => &[Uniform, Read, Read, Read, Write, Write, Write],
            Stage::Integrate | Stage::SmallBins => &[Uniform, Uniform, Read, Read, Read, Read, Read, Write],
            Stage::Filter => &[Uniform, Uniform, Read, Read, Read, Read, Read, Write, Uniform],
        }
    }
}

/// A stage made ready on a device.
#[derive(Debug)]
pub(super) struct Pipeline {
    stage: Stage,
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
}

impl Pipeline {
    /// Compiles a stage.
    pub(super) fn new(gpu: &GpuDevice, stage: Stage, constants: Constants) -> Result<Pipeline, EngineError> {
        let device = gpu.device();
        gpu.checked("compiling a shader", || {
            let entries: Vec<_> = stage
                .bindings()
                .iter()
                .zip(0..)
                .map(|(binding, number)| wgpu::BindGroupLayoutEntry {
                    binding: number,
                    visibility: wgpu::ShaderStages::COMPUTE,
                    ty: wgpu::BindingType::Buffer {
                        ty: match binding {
                            Binding::Uniform => wgpu::BufferBindingType::Uniform,
                            Binding::Read => wgpu::BufferBindingType::Storage { read_only: true },
                            Binding::Write => wgpu::BufferBindingType::Storage { read_only: false },
                        },
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                    count: None,
                })
                .collect();
            let label = Some(stage.label());
            let layout = device
                .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label,
                source: wgpu::ShaderSource::Wgsl(stage.source(constants).into()),
            });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label,
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label,
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
            Pipeline { stage, layout, pipeline }
        })
    }

    /// Binds whole buffers in the order of the binding numbers.
    pub(super) fn bind(
        &self,
        gpu: &GpuDevice,
        buffers: &[&wgpu::Buffer],
    ) -> Result<wgpu::BindGroup, EngineError> {
        let entries: Vec<_> = buffers
            .iter()
            .zip(0..)
            .map(|(buffer, binding)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let label = Some(self.stage.label());
        let layout = &self.layout;
        gpu.checked("binding buffers", || {
            gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label, layout, entries: &entries })
        })
    }

    /// Records `workgroups` workgroups of this stage.
    pub(super) fn dispatch(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        group: &wgpu::BindGroup,
        workgroups: u32,
    ) {
        // 65535 is the number per dimension that every device offers.
        let columns = workgroups.clamp(1, 65_535);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.dispatch_workgroups(columns, workgroups.div_ceil(columns), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 5] =
        [Stage::Geometry, Stage::Correct, Stage::Integrate, Stage::SmallBins, Stage::Filter];

    fn all_constants() -> Vec<Constants> {
        let both = |groups| {
            [Variance::Counts, Variance::Own]
                .map(|variance| [0, 1, 2].map(|filter| Constants { groups, variance, filter }))
        };
        [1, 2].into_iter().flat_map(both).flatten().collect()
    }

    #[test]
    fn every_shader_is_valid() {
        for stage in STAGES {
            for constants in all_constants() {
                let source = stage.source(constants);
                let module = naga::front::wgsl::parse_str(&source)
                    .unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
                naga::valid::Validator::new(
                    naga::valid::ValidationFlags::all(),
                    naga::valid::Capabilities::empty(),
                )
                .validate(&module)
                .unwrap_or_else(|e| panic!("{stage:?}: {e:?}"));
            }
        }
    }

    #[test]
    fn bindings_are_those_of_the_shader() {
        for stage in STAGES {
            let module = naga::front::wgsl::parse_str(&stage.source(all_constants()[0])).unwrap();
            let mut declared: Vec<_> = module
                .global_variables
                .iter()
                .filter_map(|(_, variable)| {
                    let place = variable.binding?;
                    let kind = if let naga::AddressSpace::Storage { access } = variable.space {
                        let written = access.contains(naga::StorageAccess::STORE);
                        if written { Binding::Write } else { Binding::Read }
                    } else {
                        assert_eq!(variable.space, naga::AddressSpace::Uniform);
                        Binding::Uniform
                    };
                    Some((place.binding, kind))
                })
                .collect();
            declared.sort_by_key(|(number, _)| *number);
            let expected: Vec<_> = (0..).zip(stage.bindings().iter().copied()).collect();
            assert_eq!(declared, expected, "{stage:?}");
        }
    }
}
