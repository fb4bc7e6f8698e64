//! Geometry, patterns, configurations of PDFgetX3, run files, compositions.

use halor::config::{AnalysisFile, Coverage, load};
use halor::geometry::PoniFile;
use halor::pattern_file::PatternFile;
use halor::pdfgetx3::PdfGetX3Config;
use halor::scattering::Composition;

use super::{Files, places};
use crate::run_file::PONI;

pub(super) fn refused() -> usize {
    let parts = [poni, patterns, configurations, run_files, compositions];
    let results: Vec<_> = parts.into_iter().map(|part| std::panic::catch_unwind(part)).collect();
    results.into_iter().map(|count| count.expect("a file was not refused, see above")).sum()
}

fn poni() -> usize {
    let mut files = Files::default();
    // Up to the end of the last value that is needed.
    let lines: Vec<usize> = PONI.match_indices('\n').map(|(at, _)| at).collect();
    files.cut("cut", "poni", PONI.as_bytes(), lines[..lines.len() - 1].iter().copied().chain([0, 5]));
    for (name, from, to) in [
        ("nan.poni", "Distance: 0.3", "Distance: nan"),
        ("infinite.poni", "Distance: 0.3", "Distance: inf"),
        ("negative.poni", "Distance: 0.3", "Distance: -0.3"),
        ("zero.poni", "Distance: 0.3", "Distance: 0"),
        ("word.poni", "Poni1: 0.1444", "Poni1: middle"),
        ("wavelength.poni", "Wavelength: 1.107e-11", "Wavelength: -1e-11"),
        ("wavelength_zero.poni", "Wavelength: 1.107e-11", "Wavelength: 0"),
        ("version.poni", "poni_version: 2.1", "poni_version: 99"),
        ("detector.poni", "Pilatus CdTe 2M", "Pilatos CdTe 77M"),
        ("json.poni", "{\"orientation\": 3}", "{\"orientation\": "),
        ("orientation.poni", "{\"orientation\": 3}", "{\"orientation\": 9}"),
    ] {
        assert!(PONI.contains(from), "{from}");
        files.add(name, PONI.replace(from, to));
    }
    files.add("binary.poni", vec![0xff; 300]);
    files.add("long.poni", "# a comment\n".repeat(400_000));
    files.refused(|path| {
        let file = PoniFile::read(path).map_err(|error| error.to_string())?;
        let named = |error: halor::geometry::GeometryError| format!("{}: {error}", path.display());
        file.poni(None).map_err(named)?;
        file.detector().map(drop).map_err(named)
    })
}

fn patterns() -> usize {
    let mut files = Files::default();
    for (name, text) in [
        ("empty.chi", String::new()),
        ("header.chi", "title\n2-Theta\nIntensity\n  100\n".to_owned()),
        ("words.xy", "one two\nthree four\n".to_owned()),
        ("one_column.dat", "1\n2\n3\n4\n".to_owned()),
        ("columns_change.xye", "1 2 3\n2 3\n3 4 5\n".to_owned()),
        ("columns_grow.xye", "1 2\n2 3\n3 4 5\n".to_owned()),
        ("word_inside.xy", "1 2\n2 many\n3 4\n".to_owned()),
        ("comment_only.xy", "# nothing\n# here\n".to_owned()),
        ("binary.chi", "\u{0}\u{1}\u{2}".repeat(200)),
    ] {
        files.add(name, text);
    }
    files.refused(|path| PatternFile::read(path).map(drop).map_err(|error| error.to_string()))
}

fn configurations() -> usize {
    let good = "[DEFAULT]\ndataformat = twotheta\ninputfile = ceo2.chi\noutputtype = gr\nmode = xray\nwavelength = 0.142774\n\
        composition = CeO2\nbgscale = 1\nrpoly = 0.9\nqmaxinst = 27\nqmin = 0\nqmax = 26\nrmin = 0\nrmax = 30\nrstep = 0.01\n";
    let mut files = Files::default();
    for (name, from, to) in [
        ("key.cfg", "rpoly = 0.9", "rpolly = 0.9"),
        ("format.cfg", "dataformat = twotheta", "dataformat = threetheta"),
        ("mode.cfg", "mode = xray", "mode = gravity"),
        ("type.cfg", "outputtype = gr", "outputtype = pdf"),
        ("word.cfg", "qmax = 26", "qmax = far"),
        ("nan.cfg", "qmax = 26", "qmax = nan"),
        ("infinite.cfg", "rmax = 30", "rmax = inf"),
        ("negative.cfg", "wavelength = 0.142774", "wavelength = -1"),
        ("step.cfg", "rstep = 0.01", "rstep = 0"),
        ("many_points.cfg", "rstep = 0.01", "rstep = 1e-12"),
        ("range.cfg", "qmax = 26", "qmax = -1"),
        ("element.cfg", "composition = CeO2", "composition = XxO2"),
    ] {
        assert!(good.contains(from));
        files.add(name, good.replace(from, to));
    }
    let coverage =
        Coverage { q_range: [0.5, 30.0], axis_end: 30.0, step: 0.01, wavelength_angstrom: Some(0.142_774) };
    files.refused(|path| {
        let config = PdfGetX3Config::read(path, None).map_err(|error| error.to_string())?;
        // What the numbers mean is judged as in a run file.
        let judged = AnalysisFile::open(None, &config.overrides()).and_then(|file| {
            file.wavelength_angstrom()?;
            file.settle(coverage)
        });
        judged.map(drop).map_err(|error| format!("{}: {error}", path.display()))
    })
}

fn run_files() -> usize {
    let good =
        "geometry: c.poni\ncomposition: Zr62 Cu15.5 Ni12.5 Al10\nsamples:\n- {name: a, frames: a_*.tif}\n";
    let mut files = Files::default();
    files.cut("cut", "yaml", good.as_bytes(), places(good.len() - 20, 25));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    for (name, text) in [
        ("aliases.yaml", bomb),
        ("deep_lists.yaml", "[".repeat(100_000)),
        ("deep_blocks.yaml", (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("long_list.yaml", format!("samples: [{}]\n", "x,".repeat(1_100_000))),
        ("alias_to_itself.yaml", "a: &a [*a]\n".to_owned()),
        ("unknown_alias.yaml", "a: *nothing\n".to_owned()),
        ("tag.yaml", "output: !!python/object:os.system x\n".to_owned()),
        ("two_documents.yaml", format!("{good}---\n{good}")),
        ("twice.yaml", format!("output: a\noutput: b\n{good}")),
        ("tab.yaml", "beam:\n\tenergy_kev: 1\n".to_owned()),
        ("nan.yaml", format!("beam: {{energy_kev: .nan}}\n{good}")),
        ("infinite.yaml", format!("beam: {{energy_kev: .inf}}\n{good}")),
        ("number.yaml", "42\n".to_owned()),
        ("list.yaml", "- a\n- b\n".to_owned()),
        ("binary.yaml", "\u{0}\u{1}".repeat(100)),
        ("leaves_the_folder.yaml", format!("{good}exports: {{nexus: ../run.nxs}}\n")),
        ("leaves_by_template.yaml", format!("{good}exports: {{nexus: \"/tmp/{{run}}.nxs\"}}\n")),
        ("unknown_placeholder.yaml", format!("{good}exports: {{nexus: \"{{sample}}.nxs\"}}\n")),
        ("other_extension.yaml", format!("{good}exports: {{nexus: \"{{run}}.csv\"}}\n")),
        ("sample_leaves.yaml", good.replace("name: a", "name: ../a")),
        ("sample_is_a_path.yaml", good.replace("name: a", "name: a/b")),
        ("sample_is_a_device.yaml", good.replace("name: a", "name: NUL")),
    ] {
        files.add(name, text);
    }
    files.refused(|path| load(path, &[]).map(drop).map_err(|error| error.to_string()))
}

/// No files, but as many ways to be wrong; the error shows what was written.
fn compositions() -> usize {
    let bad = [
        "",
        " ",
        "Xx2",
        "2",
        "Zr-1",
        "Zr0",
        "Zr1e999",
        "Zrnan",
        "Zr()",
        "(Zr",
        "Zr)2",
        "Zr2(",
        "zr",
        "Z r",
        "Zr,Cu;",
        "Zr2..5",
        "💎",
        "Zr62Cu15.5Ni12.5Al10Q",
        "Zr1e-400",
        "Zr99999999999999999999999999e400",
        "H2O!",
        "+",
        "Ce 1 O two",
    ];
    for text in bad {
        let error = Composition::parse(text).expect_err(text).to_string();
        assert!(!error.is_empty(), "{text}");
    }
    for depth in [100, 10_000] {
        assert!(Composition::parse(&format!("{}Zr{}", "(".repeat(depth), ")".repeat(depth))).is_err());
    }
    bad.len() + 2
}
