import { defineConfig, loadEnv } from "vite";

const port = Number(process.env.PORT ?? 3000);

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, process.cwd());
  return {
    server: {
      port,
      host: true,
      hmr: { port: 24678 },
      proxy: {
        "/api": { target: "http://localhost:8000", changeOrigin: true },
        "/ws": "ws://127.0.0.1:8001",
        "/cdn": "https://cdn.example.org",
        "/other": `http://localhost:${env.OTHER}`,
      },
    },
    preview: { port: parseInt(env.PREVIEW || "4173", 10) },
  };
});
