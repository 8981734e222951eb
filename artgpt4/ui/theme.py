"""The page's colours and fonts."""

import gradio as gr

#: A shade lighter than white paper and a warm grey, so that a picture's own colours stand out.
_STONE = gr.themes.Color(
    c50="#faf9f7",
    c100="#f3f1ed",
    c200="#e6e2db",
    c300="#d3cec4",
    c400="#a59e91",
    c500="#787166",
    c600="#5a544b",
    c700="#443f38",
    c800="#2b2824",
    c900="#1e1c19",
    c950="#151412",
)
_OCHRE = gr.themes.Color(
    c50="#fbf6ef",
    c100="#f5e9d8",
    c200="#ead2b0",
    c300="#dcb583",
    c400="#cc9559",
    c500="#b0743a",
    c600="#8f5a2a",
    c700="#734722",
    c800="#57361c",
    c900="#3f2817",
    c950="#2a1a0f",
)

#: Fonts that every system has: the page asks no other server for anything.
THEME = gr.themes.Base(
    primary_hue=_OCHRE,
    secondary_hue=_STONE,
    neutral_hue=_STONE,
    font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"],
    font_mono=["ui-monospace", "Consolas", "monospace"],
).set(
    body_background_fill="*neutral_50",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_400",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    input_background_fill="white",
    input_background_fill_dark="*neutral_900",
    block_background_fill_dark="*neutral_900",
    border_color_primary="*neutral_200",
    border_color_primary_dark="*neutral_700",
)
