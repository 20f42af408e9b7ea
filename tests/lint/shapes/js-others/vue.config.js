module.exports = { devServer: { port: process.env.PORT || 8082, https: true } };
