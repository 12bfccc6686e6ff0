import { readdirSync } from 'node:fs'
import { type FeatureDefinition, featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { loadModel } from '../../models/load.ts'
import type { Model } from '../../models/model.ts'

const MODELS = new URL('../../models/', import.meta.url)

/** Every trained model that the release carries: a folder of `models/` with a card. The newest version is current. */
export async function loadModels(
  catalogue: readonly FeatureDefinition[] = CATALOGUE,
): Promise<{ readonly ok: true; readonly models: readonly Model[] } | { readonly ok: false; readonly detail: string }> {
  const folders = readdirSync(MODELS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /_v\d+$/.test(entry.name))
    .map((entry) => entry.name)
    .sort((a, b) => versionOf(a) - versionOf(b) || (a < b ? -1 : 1))
  const known = new Set(catalogue.map(featureId))
  const models: Model[] = []
  for (const folder of folders) {
    const loaded = await loadModel(new URL(`${folder}/`, MODELS).pathname, known)
    if (!loaded.ok) return { ok: false, detail: `models/${folder}: ${loaded.detail}` }
    models.push(loaded.model)
  }
  return { ok: true, models }
}

function versionOf(folder: string): number {
  return Number(folder.slice(folder.lastIndexOf('_v') + 2))
}
