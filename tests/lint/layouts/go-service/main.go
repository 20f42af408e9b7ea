package main

import (
	"net/http"
	"os"
)

func main() {
	addr := os.Getenv("LISTEN_ADDR")
	http.ListenAndServe(addr, http.DefaultServeMux)
}
