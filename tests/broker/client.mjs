// One MQTT client in a process of its own: says "connected" and stays. Its options are in the environment.

import mqtt from 'mqtt';

const { url, ...options } = JSON.parse(process.env.PARLEY_TEST_CLIENT);
const client = mqtt.connect(url, options);
client.on('connect', () => process.stdout.write('connected\n'));
client.on('error', (error) => { process.stderr.write(`${error.message}\n`); process.exit(1); });
