//! Density and background scale from the low-r condition.

use super::*;
use halor::structure::LowRFree;

/// A background that falls, as of a container and air, in units of the sample's 1700 electron units at Qmin.
fn background(q: &[f64]) -> Vec<f64> {
    q.iter().map(|q| 250.0 * (-q / 4.0).exp() + 20.0 + 60.0 * (-(q - 1.6).powi(2)).exp()).collect()
}

#[test]
fn exact_data_give_density_and_background_back() {
    let q = axis();
    let b = background(&q);
    let plan = plan(&settings(), &q);
    let exact = intensity(&q, &glass_f, 0.37, 0.0);
    for (free, left_in) in
        [(LowRFree::Density, 0.0), (LowRFree::Background, 0.1), (LowRFree::DensityAndBackground, 0.1)]
    {
        // 0.9 of the background was subtracted; what is right is that by 1/0.9.
        let data: Vec<f64> = exact.iter().zip(&b).map(|(i, b)| i + left_in * b).collect();
        let subtracted: Vec<f64> = b.iter().map(|b| (1.0 - left_in) * b).collect();
        let fit = plan.fit_low_r(&pattern(&q, data, 0.001), Some(&subtracted), free, 1.9).unwrap();
        eprintln!("{free:?}: {fit:?}");
        if let Some(density) = fit.density {
            assert!((density.value / DENSITY - 1.0).abs() < 0.01, "{density:?}");
        }
        if let Some(factor) = fit.background_factor {
            assert!((factor.value * (1.0 - left_in) - 1.0).abs() < 0.01, "{factor:?}");
        }
    }
}

/// σ is the scatter of 300 repeats: its width has 4 %, three numbers stay within 3.7 times that.
#[test]
fn its_sigma_is_the_scatter_of_repeats() {
    let q = axis();
    let b = background(&q);
    let plan = plan(&settings(), &q);
    let exact = intensity(&q, &glass_f, 0.37, 0.0);
    let mut random = rand_pcg::Pcg64Mcg::new(0xfeed);
    let fits: Vec<_> = (0..300)
        .map(|_| {
            let noisy = exact
                .iter()
                .map(|i| {
                    i * (1.0
                        + 0.002
                            * rand_distr::Distribution::<f64>::sample(
                                &rand_distr::StandardNormal,
                                &mut random,
                            ))
                })
                .collect();
            let fit =
                plan.fit_low_r(&pattern(&q, noisy, 0.002), Some(&b), LowRFree::DensityAndBackground, 1.9);
            let fit = fit.unwrap();
            [fit.density.unwrap(), fit.background_factor.unwrap()]
        })
        .collect();
    for number in 0..2 {
        let mean = fits.iter().map(|fit| fit[number].value).sum::<f64>() / 300.0;
        let pulls = fits.iter().map(|fit| ((fit[number].value - mean) / fit[number].sigma).powi(2));
        let width = (pulls.sum::<f64>() / 299.0).sqrt();
        assert!((width - 1.0).abs() < 0.15, "{number}: {width}");
    }
}
