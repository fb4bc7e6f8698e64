use halor::frame::*; use halor::geometry::*; use halor::geometry::calibrate::*;
fn main(){
 let a: Vec<String>=std::env::args().collect();
 let f=read(&FrameAddress{path:a[1].clone().into(),image:0}).unwrap().frame;
 let det=Detector::named(&a[2]).unwrap();
 let mask=Mask{shape:det.shape,bad:det.gap_mask()};
 let cal=[Calibrant::find(&a[3]).unwrap()];
 let l: f64=a[4].parse().unwrap();
 let t=std::time::Instant::now();
 let c=calibrate(&Request{frames:&[(&f,&mask)],detector:&det,wavelength_angstrom:l,wavelength:WavelengthFit::Held,calibrants:&cal,guess:None,nominal_distance_m:None});
 println!("{:?}",t.elapsed());
 match c { Err(e)=>println!("{e}"), Ok(c)=>{ let f=&c.frames[0]; println!("{:#?}\n{:?}±{:?} along {:?} agreement {:?} fwhm {}",f.parameters,f.centre_px,f.centre_sigma_px,f.along_beam_m,f.agreement,f.fwhm_px); println!("rms {} px {} deg extra {} ring {}",c.rms_px,c.rms_deg,c.extra_px,c.ring_px);
  for r in &f.rings {println!("{r:?}");} } }
}
