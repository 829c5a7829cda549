//! A session bus of the test's own, on which nothing is started unasked.

use std::fs;
use std::process::Stdio;

use crate::{Child, Place};

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// The bus.
pub struct Bus {
    _daemon: Child,
    address: String,
}

impl Bus {
    /// Starts a bus and names it in the place's environment.
    ///
    /// # Errors
    /// dbus-daemon is missing or does not start.
    pub fn start(place: &mut Place) -> anyhow::Result<Bus> {
        let config = place.path("bus.conf");
        let socket = place.path("bus");
        fs::write(&config, CONFIG.replace("SOCKET", &socket.to_string_lossy()))?;
        let mut command = place.command("dbus-daemon");
        command.arg("--nofork").arg("--print-address=1").arg("--config-file").arg(&config);
        let (daemon, address) = Child::start_and_read(command.stderr(Stdio::null()))?;
        place.set("DBUS_SESSION_BUS_ADDRESS", &address);
        Ok(Bus { _daemon: daemon, address })
    }

    /// A connection of the test's own.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn connect(&self) -> anyhow::Result<zbus::Connection> {
        Ok(zbus::connection::Builder::address(self.address.as_str())?.build().await?)
    }
}
