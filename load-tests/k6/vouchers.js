// Posts a pre-signed corpus of vouchers to the ledger, open model: iterations start at a fixed rate whether or not
// earlier ones are answered. An iteration is one request, or one stream of some. Run by `npm run load`, which signs the corpus and reconciles the result; see ../README.md.
//
// PLAN_FILE  JSON made by load-tests/src/plan.ts
// One line per answered request goes to the console: "ACK <request> <numbers of the vouchers refused>". The reconciler
// trusts these lines and the ledger, nothing else.
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { Counter, Rate, Trend } from 'k6/metrics';
import grpc from 'k6/net/grpc';

const plan = JSON.parse(open(__ENV.PLAN_FILE));
const corpus = new SharedArray('corpus', () => JSON.parse(open(plan.corpusFile)).requests);

const accepted = new Counter('vouchers_accepted');
const superseded = new Counter('vouchers_superseded');
const refused = new Counter('vouchers_refused_as_expected');
const wrong = new Counter('vouchers_wrong');
const notNow = new Rate('vouchers_not_now');
const failed = new Rate('requests_failed');
// From sending a batch to its answer, over either API.
const batchDuration = new Trend('batch_duration', true);

// Answers that promise nothing and forbid nothing: the sender is to try again. Too many of them fail the run.
const NOT_NOW = ['REASON_UNAVAILABLE', 'REASON_OVERLOADED', 'REASON_OUTCOME_UNKNOWN'];

export const options = {
  discardResponseBodies: false,
  summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max', 'count'],
  scenarios: {
    [plan.scenario]: {
      executor: 'constant-arrival-rate',
      rate: plan.requestsPerSecond,
      timeUnit: `${plan.requestsPerIteration}s`,
      duration: `${plan.durationSeconds}s`,
      preAllocatedVUs: plan.virtualUsers,
      maxVUs: plan.virtualUsers,
      gracefulStop: '30s',
    },
  },
  thresholds: {
    // The wrong answer to one voucher is one too many: a bad one accepted, a good one refused, or a wrong reason.
    vouchers_wrong: ['count==0'],
    requests_failed: [`rate<${plan.errorRateMax}`],
    vouchers_not_now: [`rate<${plan.errorRateMax}`],
    // A request that could not start in time means that the rate was not reached.
    dropped_iterations: [`count<=${plan.droppedMax}`],
    batch_duration: [`p(99)<${plan.p99Ms}`],
  },
};

const client = new grpc.Client();
client.load([plan.protoRoot], 'swarmledger/v1/voucher.proto');
let isConnected = false;

export default async function post() {
  const first = exec.scenario.iterationInTest * plan.requestsPerIteration;
  // The rate's rounding may start one iteration more than was signed.
  if (corpus[first] === undefined) return;
  if (!isConnected) {
    client.connect(plan.target, { plaintext: true, timeout: '10s' });
    isConnected = true;
  }
  if (plan.api === 'stream') await postStream(first);
  else await postOne(first);
}

async function postOne(index) {
  const request = corpus[index];
  const startedMs = Date.now();
  const answer = await client.asyncInvoke(
    'swarmledger.v1.VoucherService/PostVouchers',
    { batch: { vouchers: request.vouchers } },
    { timeout: '10s' },
  );
  const isAnswered = answer.status === grpc.StatusOK;
  failed.add(!isAnswered);
  if (!isAnswered) {
    console.log(`FAILED ${index} ${JSON.stringify(answer.error)}`);
    return;
  }
  batchDuration.add(Date.now() - startedMs);
  judge(index, request, answer.message.outcomes.vouchers);
}

// All batches of the stream are sent at once; the answers may come in any order. What the stream ends without
// answering has failed.
function postStream(first) {
  const open = new Set(Array.from({ length: plan.requestsPerIteration }, (_, at) => first + at));
  return new Promise((resolve) => {
    const stream = new grpc.Stream(client, 'swarmledger.v1.VoucherService/StreamVouchers', {
      timeout: '20s',
    });
    let lastError = '';
    const startedMs = Date.now();
    stream.on('data', ({ sequence, outcomes }) => {
      const index = Number(sequence);
      if (!open.delete(index)) {
        wrong.add(1);
        console.log(`WRONG ${index} 0 "an answer to nothing"`);
        return;
      }
      failed.add(false);
      batchDuration.add(Date.now() - startedMs);
      judge(index, corpus[index], outcomes.vouchers);
    });
    stream.on('error', (error) => {
      lastError = JSON.stringify(error);
    });
    stream.on('end', () => {
      for (const index of open) {
        failed.add(true);
        console.log(`FAILED ${index} ${lastError}`);
      }
      resolve();
    });
    for (const index of open) {
      stream.write({ sequence: String(index), batch: { vouchers: corpus[index].vouchers } });
    }
    stream.end();
  });
}

function judge(index, request, outcomes) {
  const notAcked = [];
  request.vouchers.forEach((voucher, position) => {
    const outcome = outcomes[position];
    const verdict = judgeOne(voucher, request.expected[position], outcome);
    verdict.counter?.add(1);
    notNow.add(verdict.counter === undefined);
    if (!verdict.isAcked) notAcked.push(position);
    if (verdict.counter === undefined) {
      console.log(`NOTNOW ${index} ${position} ${JSON.stringify(outcome)}`);
    }
    if (verdict.counter === wrong) {
      console.log(`WRONG ${index} ${position} ${JSON.stringify(outcome)}`);
    }
  });
  console.log(`ACK ${index} ${notAcked.join(',')}`);
}

// Compares two amounts as decimal text: they are 64-bit, which a JavaScript number cannot hold.
function isAtLeast(left, right) {
  return left.length === right.length ? left >= right : left.length > right.length;
}

// `expected` is '' for a good voucher, else the reason that must be given.
function judgeOne(voucher, expected, outcome) {
  const reason = outcome?.refusal?.reason ?? '';
  if (NOT_NOW.includes(reason)) return { counter: undefined, isAcked: false };
  if (expected !== '') {
    return { counter: reason === `REASON_${expected}` ? refused : wrong, isAcked: false };
  }
  if (outcome?.receipt) {
    const isCovered =
      outcome.receipt.channelId === voucher.channelId &&
      isAtLeast(outcome.receipt.acceptedUnits, voucher.cumulativeUnits);
    return { counter: isCovered ? accepted : wrong, isAcked: isCovered };
  }
  // A higher voucher of this channel overtook this one: the ledger owes at least as much all the same.
  if (reason === 'REASON_SUPERSEDED') {
    const isCovered = isAtLeast(outcome.refusal.acceptedUnits, voucher.cumulativeUnits);
    return { counter: isCovered ? superseded : wrong, isAcked: isCovered };
  }
  return { counter: wrong, isAcked: false };
}

export function handleSummary(data) {
  return { [plan.summaryFile]: JSON.stringify(data), stdout: '' };
}
