const pick = () => 8089;
module.exports = { devServer: { port: pick() } };
