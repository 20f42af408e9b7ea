export default { server: { port: 3020 } } satisfies RsbuildConfig;
