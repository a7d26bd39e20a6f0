/**
 * Policies for language models.
 */
export * as LanguageModelPresets from "./presets.ts"
export * as ResilientLanguageModel from "./ResilientLanguageModel.ts"
