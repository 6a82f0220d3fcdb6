// A strict reader of Prometheus' text format 0.0.4, and questions to what it says.
import assert from 'node:assert/strict';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const NUMBER = '(?:[+-]?(?:\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|Inf)|NaN)';
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (${NUMBER})$`);

const numberOf = (text) => (text.endsWith('Inf') ? (text[0] === '-' ? -Infinity : Infinity) : Number(text));

const familyOf = (name, families) => {
	if (families.has(name)) return name;
	const base = name.replace(/_(bucket|sum|count)$/, '');
	return families.get(base)?.type === 'histogram' ? base : undefined;
};

function labelsOf(text) {
	const labels = {};
	for (const [, name, value] of (text ?? '').matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
		assert.ok(!(name in labels), `the label ${name} stands twice in {${text}}`);
		labels[name] = value.replaceAll(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
	}
	return labels;
}

/** Buckets rise up to +Inf, which is the count; each has a sum. */
function checkHistogram(name, samples) {
	const series = new Map();
	for (const { name: part, labels, value } of samples) {
		const { le, ...others } = labels;
		const key = JSON.stringify(others);
		if (!series.has(key)) series.set(key, { buckets: [] });
		const one = series.get(key);
		if (part.endsWith('_bucket')) one.buckets.push([numberOf(le), value]);
		else one[part.slice(name.length + 1)] = value;
	}
	for (const [key, { buckets, sum, count }] of series) {
		assert.ok(buckets.length > 1 && sum !== undefined && count !== undefined, `${name}${key} is whole`);
		for (let i = 1; i < buckets.length; i++) {
			assert.ok(buckets[i][0] > buckets[i - 1][0], `the bounds of ${name}${key} rise`);
			assert.ok(buckets[i][1] >= buckets[i - 1][1], `the buckets of ${name}${key} are cumulative`);
		}
		assert.deepEqual(buckets.at(-1), [Infinity, count], `${name}${key} ends in its count`);
	}
}

/** Reads a page, or throws what is wrong with it. */
export function parsePrometheus(text) {
	assert.ok(text.endsWith('\n'), 'the last line has an end');
	const families = new Map();
	const seen = new Set();
	let current;
	for (const line of text.slice(0, -1).split('\n')) {
		const [, helpName, help] = HELP.exec(line) ?? [];
		const [, typeName, type] = TYPE.exec(line) ?? [];
		if (helpName) {
			assert.ok(!families.has(helpName), `${helpName} has one group of lines`);
			families.set(helpName, { help, samples: [] });
			current = helpName;
		} else if (typeName) {
			assert.equal(typeName, current, 'a type follows its help');
			families.get(typeName).type = type;
		} else {
			const [, name, labelText, value] = SAMPLE.exec(line) ?? assert.fail(`not a line of the format: ${line}`);
			const family = familyOf(name, families);
			assert.equal(family, current, `${line} stands in its group`);
			assert.ok(families.get(family).type, `${family} has a type`);
			const labels = labelsOf(labelText);
			const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
			assert.ok(!seen.has(key), `${line} stands once`);
			seen.add(key);
			families.get(family).samples.push({ name, labels, value: numberOf(value) });
		}
	}
	for (const [name, { type, samples }] of families) {
		assert.ok(type, `${name} has a type`);
		if (type === 'counter') {
			assert.match(name, /_total$/);
			for (const { value } of samples) assert.ok(value >= 0, `${name} is not negative`);
		}
		if (type === 'histogram') checkHistogram(name, samples);
	}
	return {
		families,
		/** The sum of the samples of a name that have these labels; undefined when there is none. */
		value(name, labels = {}) {
			const found = (families.get(familyOf(name, families))?.samples ?? []).filter(
				(sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
			);
			return found.length > 0 ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
		},
	};
}

/** The page of a stack. */
export async function metricsOf(stack) {
	const answer = await fetch(`${stack.metricsUrl}/metrics`);
	assert.equal(answer.status, 200);
	return parsePrometheus(await answer.text());
}
