//! Remote command and port-forward wire protocols: SPDY/3.1 and WebSocket channels
