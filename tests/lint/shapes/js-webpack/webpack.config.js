const path = require("path");
/** @type {import("webpack").Configuration} */
const config = {
  mode: "development",
  devServer: {
    port: 8080,
    host: "0.0.0.0",
    proxy: [{ context: ["/api"], target: "http://localhost:4000" }],
  },
};
module.exports = config;
