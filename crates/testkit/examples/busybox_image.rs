//! Writes the demo's image: `busybox_image ARCHIVE NAME`.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [archive, name] = arguments.as_slice() else {
        eprintln!("usage: busybox_image ARCHIVE NAME");
        std::process::exit(2);
    };
    skiff_testkit::image::write_busybox_image(std::path::Path::new(archive), name);
}
