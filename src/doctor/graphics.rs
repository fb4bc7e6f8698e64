//! Graphics adapters, and where one is not used: why, and what to install.

use std::path::{Path, PathBuf};

use super::Finding;
use crate::engine::gpu::{Adapter, AdapterSummary};
use crate::geometry::Detector;

/// A large detector, whose frames a binding should hold.
const LARGE: &str = "Eiger2 16M";

/// Who made a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Nvidia,
    Amd,
    Intel,
}

impl Maker {
    /// From the vendor's number on the PCI bus.
    fn of(vendor: &str) -> Option<Maker> {
        match vendor.trim() {
            "0x10de" => Some(Maker::Nvidia),
            "0x1002" => Some(Maker::Amd),
            "0x8086" => Some(Maker::Intel),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Maker::Nvidia => "NVIDIA",
            Maker::Amd => "AMD",
            Maker::Intel => "Intel",
        }
    }

    /// Words of which an adapter's name has one.
    fn words(self) -> &'static [&'static str] {
        match self {
            Maker::Nvidia => &["nvidia"],
            Maker::Amd => &["amd", "radeon"],
            Maker::Intel => &["intel"],
        }
    }

    fn mend(self) -> &'static str {
        match self {
            Maker::Nvidia => {
                "install NVIDIA's own driver with its Vulkan part (Debian: nvidia-driver and nvidia-vulkan-icd; \
                 Ubuntu: nvidia-driver-NNN); in a container let NVIDIA_DRIVER_CAPABILITIES hold `graphics`"
            }
            Maker::Amd | Maker::Intel => {
                "install Mesa's Vulkan drivers (Debian, Ubuntu: mesa-vulkan-drivers; Fedora: mesa-vulkan-drivers), \
                 and let the user into the group `render`; in a container pass on /dev/dri"
            }
        }
    }
}

/// Every adapter with its limits; cards without a driver; the Vulkan loader.
pub(super) fn findings(adapters: &[Adapter]) -> Vec<Finding> {
    let summaries: Vec<&AdapterSummary> = adapters.iter().map(|adapter| &adapter.summary).collect();
    let mut findings: Vec<Finding> = summaries.iter().map(|summary| adapter(summary)).collect();
    let cards = cards(Path::new("/sys/bus/pci/devices"));
    let without = |maker: &Maker| {
        let has_word = |summary: &&AdapterSummary| {
            let name = summary.name.to_lowercase();
            maker.words().iter().any(|word| name.contains(word))
        };
        !summaries.iter().any(has_word)
    };
    let unused: Vec<Finding> = cards
        .into_iter()
        .filter(without)
        .map(|maker| {
            Finding::advice(
                "graphics card",
                format!("an {} card has no Vulkan driver", maker.name()),
                maker.mend(),
            )
        })
        .collect();
    if cfg!(target_os = "linux") {
        findings.push(loader());
    }
    if unused.is_empty() && !summaries.iter().any(|summary| summary.is_gpu()) {
        findings.push(Finding::good("graphics card", "none: runs use the CPU (`engine: auto`)"));
    }
    findings.extend(unused);
    findings
}

fn adapter(summary: &AdapterSummary) -> Finding {
    let mib = summary.binding_limit >> 20;
    let found = format!("{summary}; driver {}; {mib} MiB in one binding", summary.driver);
    let large = Detector::named(LARGE).map_or(u64::MAX, |detector| 4 * detector.shape.pixels() as u64);
    if summary.binding_limit < large {
        let mend =
            format!("frames of a {LARGE} need {} MiB: integrate those with `engine: cpu`", large >> 20);
        return Finding::advice("adapter", found, mend);
    }
    Finding::good("adapter", found)
}

/// The Vulkan loader and the drivers that it would find.
fn loader() -> Finding {
    let libraries = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"];
    let mut folders: Vec<PathBuf> = libraries.iter().map(PathBuf::from).collect();
    folders.push(PathBuf::from(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH)));
    let is_there = folders.iter().any(|folder| folder.join("libvulkan.so.1").exists());
    let drivers: Vec<String> =
        ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
            .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
            .collect();
    match (is_there, drivers.as_slice()) {
        (false, _) => Finding::advice(
            "Vulkan",
            "no loader (libvulkan.so.1): no graphics card can be used",
            "install it (Debian, Ubuntu: libvulkan1; Fedora: vulkan-loader)",
        ),
        (true, []) => Finding::advice(
            "Vulkan",
            "a loader and no driver",
            "install the driver of the card, or mesa-vulkan-drivers",
        ),
        (true, drivers) => Finding::good("Vulkan", format!("loader; drivers {}", drivers.join(", "))),
    }
}

/// Makers of the display controllers on the PCI bus, each once.
fn cards(devices: &Path) -> Vec<Maker> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(devices).into_iter().flatten().flatten() {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        // Class 03: display controllers.
        if read("class").starts_with("0x03")
            && let Some(maker) = Maker::of(&read("vendor"))
            && !found.contains(&maker)
        {
            found.push(maker);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_a_driver_is_seen_on_the_bus() {
        let bus = tempfile::tempdir().unwrap();
        for (slot, class, vendor) in [
            ("0000:01:00.0", "0x030000", "0x10de"),
            ("0000:02:00.0", "0x030200", "0x10de"),
            ("0000:03:00.0", "0x020000", "0x8086"),
            ("0000:04:00.0", "0x038000", "0x1002"),
        ] {
            let device = bus.path().join(slot);
            std::fs::create_dir(&device).unwrap();
            std::fs::write(device.join("class"), format!("{class}\n")).unwrap();
            std::fs::write(device.join("vendor"), format!("{vendor}\n")).unwrap();
        }
        let mut makers = cards(bus.path());
        makers.sort_by_key(|maker| maker.name());
        assert_eq!(makers, [Maker::Amd, Maker::Nvidia]);
        assert_eq!(cards(&bus.path().join("none")), []);
    }
}
