# port 9999
workers 2
port        ENV.fetch("PORT") { 3004 }
bind "tcp://127.0.0.1:9292"
bind "unix:///run/puma.sock"
ssl_bind "0.0.0.0", "9293", { key: "key.pem", cert: "cert.pem" }
activate_control_app "tcp://127.0.0.1:9294", { no_token: true }
