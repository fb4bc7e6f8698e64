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
    /// Sums per bin.
    Integrate,
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
        }
    }

    /// The whole WGSL text: shared structures, the number of vec4 per pixel, the stage.
    pub(super) fn source(self, groups: usize) -> String {
        let stage = match self {
            Stage::Geometry => include_str!("../../../shaders/geometry.wgsl"),
            Stage::Correct => include_str!("../../../shaders/correct.wgsl"),
            Stage::Integrate => include_str!("../../../shaders/integrate.wgsl"),
        };
        let common = include_str!("../../../shaders/common.wgsl");
        format!("const GROUPS: u32 = {groups}u;\n{common}\n{stage}")
    }

    /// Its bindings in the order of their numbers, as declared in the WGSL file.
    pub(super) fn bindings(self) -> &'static [Binding] {
        use Binding::{Read, Uniform, Write};
        match self {
            Stage::Geometry => &[Uniform, Read, Read, Write],
            Stage::Correct => &[Uniform, Read, Read, Write, Write],
            Stage::Integrate => &[Uniform, Uniform, Read, Read, Read, Read, Read, Write],
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
    /// Compiles a stage for 4 · `groups` frames per pass.
    pub(super) fn new(gpu: &GpuDevice, stage: Stage, groups: usize) -> Result<Pipeline, EngineError> {
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
                source: wgpu::ShaderSource::Wgsl(stage.source(groups).into()),
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

    const STAGES: [Stage; 3] = [Stage::Geometry, Stage::Correct, Stage::Integrate];

    #[test]
    fn every_shader_is_valid() {
        for stage in STAGES {
            for groups in [1, 2] {
                let module = naga::front::wgsl::parse_str(&stage.source(groups))
                    .unwrap_or_else(|e| panic!("{}", e.emit_to_string(&stage.source(groups))));
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
            let module = naga::front::wgsl::parse_str(&stage.source(2)).unwrap();
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
