//! The PDFgetX3 mode against files that PDFgetX3 2.2.1 wrote.

use halor::grid::Points;
use halor::integrate::{Pattern, RadialUnit};
use halor::pdf::{TransformPlan, TransformSettings, Window};
use halor::scattering::Composition;
use halor::structure::{PdfGetX3Settings, StructurePlan, StructureSettings};

fn columns(name: &str) -> Option<(Vec<f64>, Vec<f64>)> {
    let path = crate::common::data(&format!("pdfgetx3_chain/{name}"))?;
    let text = std::fs::read_to_string(path).unwrap();
    Some(
        text.lines()
            .map(|line| {
                let mut fields = line.split_whitespace().map(|field| field.parse::<f64>().unwrap());
                (fields.next().unwrap(), fields.next().unwrap())
            })
            .unzip(),
    )
}

/// Largest difference, relative to the largest value.
fn disagreement(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    found.iter().zip(expected).fold(0.0_f64, |a, (f, e)| a.max((f - e).abs())) / largest
}

#[test]
fn the_recorded_chain_is_reproduced() {
    let (Some((q, intensity)), Some(sq), Some(fq), Some(gr)) =
        (columns("ceo2.iq"), columns("ceo2.sq"), columns("ceo2.fq"), columns("ceo2.gr"))
    else {
        return;
    };
    let settings = StructureSettings::PdfGetX3(PdfGetX3Settings {
        qmin: 1.1,
        qmax: 9.29850110846162,
        qmaxinst: 9.29850110846162,
        rpoly: 1.8,
    });
    let ceria = Composition::parse("Ce 1  O 2").unwrap();
    let plan = StructurePlan::new(&settings, &ceria, &q).unwrap();
    let sigma = vec![1.0; q.len()];
    let pattern = Pattern {
        unit: RadialUnit::QInvAngstrom,
        radial: q,
        intensity,
        sigma_as_independent: sigma.clone(),
        unpolarized: vec![1.0; sigma.len()],
        sigma,
    };
    let structure = plan.apply(&pattern).unwrap();
    let r = Points { start: 0.0, step: 0.01, count: 3001 };
    let transform =
        TransformPlan::new(&TransformSettings { window: Window::None, r }, plan.f_grid()).unwrap();
    let pdf = transform.apply(&structure).unwrap();
    let errors = [
        disagreement(&structure.q, &sq.0),
        disagreement(&structure.s, &sq.1),
        disagreement(&structure.f, &fq.1),
        disagreement(&pdf.r, &gr.0),
        disagreement(&pdf.g, &gr.1),
    ];
    println!("q, S, F, r, G: {errors:?}");
    // The files hold 17 digits; sums of thousands of products leave about 1e-13 (measured: 8e-14).
    assert!(errors.iter().all(|error| *error < 1e-11), "{errors:?}");
}
