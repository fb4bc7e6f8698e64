//! Graphics adapters, and a device whose faults become errors.

use std::sync::{Arc, Mutex, PoisonError};

use super::clock::ClockKind;
use crate::engine::{EngineError, EngineInfo, EngineKind};

/// What an adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    /// A card with its own memory.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU lent to a virtual machine.
    Virtual,
    /// A driver that computes on the processor.
    Software,
    /// The driver does not say.
    Unknown,
}

impl AdapterKind {
    fn describe(self) -> &'static str {
        match self {
            AdapterKind::Discrete => "discrete GPU",
            AdapterKind::Integrated => "integrated GPU",
            AdapterKind::Virtual => "virtual GPU",
            AdapterKind::Software => "software",
            AdapterKind::Unknown => "of unknown kind",
        }
    }
}

/// What a graphics adapter says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name as the driver gives it.
    pub name: String,
    /// What it is.
    pub kind: AdapterKind,
    /// Graphics API.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Bytes that one binding can hold.
    pub binding_limit: u64,
}

impl AdapterSummary {
    fn of(adapter: &wgpu::Adapter) -> AdapterSummary {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Unknown,
        };
        AdapterSummary {
            // Mesa's software driver, should it call itself otherwise.
            kind: if info.name.to_lowercase().contains("llvmpipe") { AdapterKind::Software } else { kind },
            name: info.name,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            binding_limit: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        }
    }

    /// Whether it is a GPU and no software driver.
    pub fn is_gpu(&self) -> bool {
        match self.kind {
            AdapterKind::Discrete | AdapterKind::Integrated | AdapterKind::Virtual => true,
            AdapterKind::Software | AdapterKind::Unknown => false,
        }
    }

    /// Whether it has its own memory.
    pub fn is_discrete(&self) -> bool {
        self.kind == AdapterKind::Discrete
    }

    /// What an engine on it says of itself.
    pub fn engine_info(&self) -> EngineInfo {
        let detail = format!("{}, {}", self.backend, self.driver);
        EngineInfo { kind: EngineKind::Gpu, device: self.name.clone(), detail }
    }
}

impl std::fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.kind.describe(), self.backend)
    }
}

/// A graphics adapter of this machine.
#[derive(Debug)]
pub struct Adapter {
    /// What it says of itself.
    pub summary: AdapterSummary,
    handle: wgpu::Adapter,
}

/// All adapters, software drivers included, in the order in which the graphics API lists them.
///
/// This loads the graphics drivers, which takes a moment.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .map(|handle| Adapter { summary: AdapterSummary::of(&handle), handle })
        .collect()
}

/// An opened adapter. No fault of the driver panics: each becomes an [`EngineError`].
#[derive(Debug)]
pub struct GpuDevice {
    adapter: AdapterSummary,
    device: wgpu::Device,
    queue: wgpu::Queue,
    binding_limit: u64,
    clock: ClockKind,
    fault: Arc<Mutex<Option<String>>>,
}

impl GpuDevice {
    /// Opens an adapter with all the memory per binding that it offers.
    ///
    /// # Errors
    /// The adapter has gone, or its driver refuses.
    pub fn open(Adapter { summary, handle }: &Adapter) -> Result<GpuDevice, EngineError> {
        let offered = handle.limits();
        let clock = ClockKind::of(handle.features());
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("halor"),
            required_features: clock.features(),
            required_limits: wgpu::Limits {
                max_buffer_size: offered.max_buffer_size,
                max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
                ..wgpu::Limits::default()
            },
            ..wgpu::DeviceDescriptor::default()
        };
        let refused = |e: wgpu::RequestDeviceError| EngineError::OpenAdapter {
            adapter: summary.to_string(),
            reason: e.to_string(),
        };
        let (device, queue) = pollster::block_on(handle.request_device(&descriptor)).map_err(refused)?;

        let fault = Arc::new(Mutex::new(None));
        let lost = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, message| {
            set_once(&lost, format!("{reason:?}: {message}"));
        });
        let uncaptured = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            set_once(&uncaptured, error.to_string());
        }));
        let (adapter, binding_limit) = (summary.clone(), summary.binding_limit);
        Ok(GpuDevice { adapter, device, queue, binding_limit, clock, fault })
    }

    /// The same device with fewer bytes per binding than it offers: what a plan does on a smaller card.
    pub fn with_binding_limit(self, bytes: u64) -> GpuDevice {
        GpuDevice { binding_limit: bytes.min(self.binding_limit), ..self }
    }

    /// Which adapter it is.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.adapter
    }

    /// Gives the card up, as a reset of its driver does: whatever uses it from now on gets [`EngineError::DeviceLost`].
    pub fn destroy(&self) {
        self.device.destroy();
    }

    pub(super) fn clock(&self) -> ClockKind {
        self.clock
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub(super) fn binding_limit(&self) -> u64 {
        self.binding_limit
    }

    /// An error once the device is lost or has failed outside an error scope; it then gives no more answers.
    pub(super) fn alive(&self) -> Result<(), EngineError> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match &*fault {
            Some(reason) => Err(self.lost(reason.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn lost(&self, reason: String) -> EngineError {
        EngineError::DeviceLost { adapter: self.adapter.name.clone(), reason }
    }

    /// Does `work` and turns what the driver complains of into an error; `what` says what was being done.
    pub(super) fn checked<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> Result<T, EngineError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = work();
        let validation = pollster::block_on(validation.pop());
        let internal = pollster::block_on(internal.pop());
        let memory = pollster::block_on(memory.pop());
        self.alive()?;
        let adapter = self.adapter.name.clone();
        // A buffer that did not fit is also invalid where it is used: lack of memory is the cause.
        match memory.or(internal).or(validation) {
            None => Ok(value),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(EngineError::OutOfGpuMemory { adapter, what }),
            Some(wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. }) => {
                Err(EngineError::Driver { adapter, what, reason: description })
            }
        }
    }

    /// A buffer of at least `bytes`, rounded up to what a binding may be; never empty.
    pub(super) fn buffer(
        &self,
        label: &'static str,
        bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, EngineError> {
        let size = bytes.next_multiple_of(16).max(64);
        self.checked(label, || {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation: false,
            })
        })
    }

    /// A buffer that holds `content`, for reading by shaders.
    pub(super) fn filled<T: bytemuck::NoUninit>(
        &self,
        label: &'static str,
        content: &[T],
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, EngineError> {
        let bytes: &[u8] = bytemuck::cast_slice(content);
        let buffer = self.buffer(label, bytes.len() as u64, usage | wgpu::BufferUsages::COPY_DST)?;
        self.checked(label, || self.queue.write_buffer(&buffer, 0, bytes))?;
        Ok(buffer)
    }
}

fn set_once(fault: &Mutex<Option<String>>, reason: String) {
    fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
}
