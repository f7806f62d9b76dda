//! Pod network: bridge, veth, address management, host ports
