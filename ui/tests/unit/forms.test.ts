import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import TextField from '$lib/components/TextField.svelte';
import AmountField from '$lib/components/AmountField.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { link } from '$lib/stores/link.svelte';
import { settings } from '$lib/stores/settings.svelte';
import Onboarding from '../../src/screens/Onboarding.svelte';
import { busyDesk, company, settings as given } from '../fixture/data';
import { fakeBackend, refusal } from './fake';

let mounted: Record<string, unknown> | undefined;

function part<T extends HTMLElement>(css: string): T {
  const found = document.querySelector<T>(css);
  if (!found) throw new Error(`nothing is ${css}`);
  return found;
}

function type(field: HTMLInputElement, text: string): void {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

function press(field: HTMLElement, key: string): void {
  field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  flushSync();
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  await tick();
  flushSync();
}

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
});

describe('the first steps', () => {
  const answers = {
    'company.create': () => company,
    'company.list': () => ({ companies: [] }),
    'desk.subscribe': () => busyDesk,
    'key.list': () => ({ keys: [], keychain: '' }),
    'config.set': () => ({ file: '', value: '' }),
  };

  async function begin() {
    const fake = fakeBackend(answers);
    desk.value = undefined;
    desk.companies = [];
    await link.readInfo();
    const props = { draft: new BriefDraft('desk'), onfolder: async () => undefined };
    mounted = mount(Onboarding, { target: document.body, props });
    flushSync();
    return fake;
  }

  it('need a name alone: the folder follows it until it is chosen', async () => {
    const { of } = await begin();
    const name = part<HTMLInputElement>('[data-testid="onboarding-company-name"]');
    const folder = part<HTMLInputElement>('[data-testid="onboarding-folder"]');
    const create = part<HTMLButtonElement>('[data-testid="onboarding-create"]');
    expect(create.disabled).toBe(true);
    type(name, 'Acme');
    expect(folder.value).toBe('~/acme');
    type(folder, '~/work/acme');
    type(name, 'Acme Tea');
    expect(folder.value).toBe('~/work/acme');
    type(folder, '');
    type(name, 'Acme Coffee');
    expect(folder.value).toBe('~/acme-coffee');
    expect(create.disabled).toBe(false);
    create.click();
    await settled();
    expect(of('company.create')[0]?.params).toEqual({
      name: 'Acme Coffee',
      dir: '/home/ann/acme-coffee',
      structure: 'full-c-suite',
      template: 'blank',
    });
  });

  it('go on with the keyboard alone', async () => {
    const { of } = await begin();
    type(part<HTMLInputElement>('[data-testid="onboarding-company-name"]'), 'Acme');
    part<HTMLFormElement>('form').requestSubmit();
    await settled();
    await settled();
    const practice = part('[data-testid="onboarding-engine-practice"]');
    expect(document.activeElement).toBe(practice);
    press(practice, 'ArrowLeft');
    const model = part('[data-testid="onboarding-engine-anthropic"]');
    expect(document.activeElement).toBe(model);
    press(model, 'ArrowRight');
    press(practice, 'Enter');
    await vi.waitFor(() => part('[data-testid="onboarding-brief"]'));
    expect(of('config.set')[0]?.params).toMatchObject({ value: 'practice' });
    const brief = part<HTMLTextAreaElement>('[data-testid="onboarding-brief"]');
    expect(document.activeElement).toBe(brief);
    // What is typed takes the place of the suggestion.
    await vi.waitFor(() => expect(brief.selectionEnd).toBeGreaterThan(0));
    expect([brief.selectionStart, brief.selectionEnd]).toEqual([0, brief.value.length]);
  });
});

describe('leaving the first steps', () => {
  const saved: unknown[] = [];

  async function begin(first: Record<string, unknown> = {}) {
    saved.length = 0;
    const fake = fakeBackend({
      'company.list': () => ({ companies: first['companies'] ?? [] }),
      'desk.subscribe': () => busyDesk,
      'key.list': () => ({ keys: [], keychain: '' }),
      'settings.get': () => given,
      'settings.set': (wanted: unknown) => {
        saved.push(wanted);
        return wanted;
      },
    });
    desk.companies = [];
    desk.value = undefined;
    settings.value = given;
    Object.assign(desk, first);
    await link.readInfo();
    const props = { draft: new BriefDraft('desk'), onfolder: async () => undefined };
    mounted = mount(Onboarding, { target: document.body, props });
    flushSync();
    return fake;
  }

  it('without a company is the end of them: there is nothing that a next step could be about', async () => {
    await begin();
    const leave = part('[data-testid="onboarding-skip"]');
    expect(leave.textContent).toBe('Not now');
    leave.click();
    await vi.waitFor(() => expect(saved).toHaveLength(1));
    expect(saved[0]).toMatchObject({ onboarded: true });
  });

  it('backwards keeps what was chosen', async () => {
    await begin({ value: busyDesk, companies: [company] });
    part('.known button').click();
    await vi.waitFor(() => expect(part('[data-testid="onboarding-next"]')).toHaveProperty('disabled', false));
    part('[data-testid="onboarding-engine-anthropic"]').click();
    flushSync();
    part('.back').click();
    flushSync();
    part('.known button').click();
    await vi.waitFor(() => part('[data-testid="onboarding-engine-anthropic"]'));
    await settled();
    expect(part('[data-testid="onboarding-engine-anthropic"]').getAttribute('aria-checked')).toBe('true');
    expect(part('[role=group]').getAttribute('aria-labelledby')).toBe(part('h1').id);
  });
});

describe('a number', () => {
  it('that does not fit stays, with why, and is not saved', () => {
    const saved: number[] = [];
    const props = { id: 'n', value: 50, onsave: (value: number) => saved.push(value) };
    mounted = mount(AmountField, { target: document.body, props });
    flushSync();
    const field = part<HTMLInputElement>('#n');
    for (const wrong of ['-5', 'abc', '1e999']) {
      type(field, wrong);
      press(field, 'Enter');
      expect(field.value).toBe(wrong);
      expect(part('[role=alert]').textContent).toContain('A number from 0');
    }
    expect(saved).toEqual([]);
    press(field, 'Escape');
    expect(field.value).toBe('50');
    expect(document.querySelector('[role=alert]')).toBeNull();
    type(field, '7,5');
    press(field, 'Enter');
    expect(saved).toEqual([7.5]);
  });
});

describe('an address', () => {
  it('that is refused stays, with why', async () => {
    const props = {
      id: 'a',
      value: '',
      placeholder: '',
      onsave: () => Promise.reject({ ...refusal, message: 'It has to be https.' }),
    };
    mounted = mount(TextField, { target: document.body, props });
    flushSync();
    const field = part<HTMLInputElement>('#a');
    type(field, 'http://example.com');
    press(field, 'Enter');
    await settled();
    expect(field.value).toBe('http://example.com');
    expect(part('[role=alert]').textContent).toContain('It has to be https.');
    press(field, 'Escape');
    expect(field.value).toBe('');
    expect(document.querySelector('[role=alert]')).toBeNull();
  });
});
