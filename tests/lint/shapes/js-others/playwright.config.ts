import { defineConfig } from "@playwright/test";
export default defineConfig({
  use: { baseURL: "http://localhost:4321" },
  webServer: [
    { command: "npm run astro dev -- --port 4321", url: "http://127.0.0.1:4321/" },
    { command: "npx http-server -p 8083 mocks", port: 8083 },
  ],
});
