//! A small part of the validation campaign, whose whole is docs/validation.md: `bash tests/validation.sh`.

pub(crate) mod closed_loop;
mod rings;
mod setup;

/// Structure → frames → S(Q), G(r), peaks over random set-ups, without noise.
#[test]
fn random_set_ups_come_back() {
    let (table, largest) = closed_loop::report(3);
    println!("{table}");
    // Largest of 36 set-ups: 0.0010, 0.0001 Å, 0.4 %, 0.6 %; the last is the parabola below Qmin.
    assert!(largest.s_rms < 0.002 && largest.g_rw < 0.015, "{largest:?}");
    assert!(largest.r1_angstrom < 0.001, "{largest:?}");
    assert!(largest.r1_height < 0.006 && largest.coordination_number < 0.008, "{largest:?}");
}

/// A sharp ring is where it is in every sector, the detector upright and tilted by 45°.
#[test]
fn sharp_rings_stand_right_in_36_sectors() {
    let (table, largest) = rings::report(&[rings::TILTS_DEG[0], rings::TILTS_DEG[4]]);
    println!("{table}");
    assert!(largest < 5e-6, "{largest:e}");
}
