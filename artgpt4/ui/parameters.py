"""The drawer in which a visitor sets how answers are drawn."""

import gradio as gr

#: `Conversation.ask`'s keyword arguments, in the drawer's order.
PARAMETERS = ("temperature", "top_p", "max_new_tokens", "repetition_penalty", "num_beams", "seed")


def build_parameters() -> list[gr.components.Component]:
    """One control for each of `PARAMETERS`."""
    with gr.Row():
        temperature = gr.Slider(0, 2, 0.7, step=0.05, label="Temperature", info="0: always the likeliest word")
        top_p = gr.Slider(0.05, 1, 0.9, step=0.05, label="Top-p", info="share of the likely words to choose from")
    with gr.Row():
        longest = gr.Slider(20, 600, 300, step=20, precision=0, label="Longest answer", info="in tokens")
        penalty = gr.Slider(1, 2, 1, step=0.05, label="Repetition penalty", info="1: none")
    with gr.Row():
        beams = gr.Slider(1, 5, 1, step=1, precision=0, label="Beams", info="above 1, nothing shows until the end")
        seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="0: another answer each time", elem_id="seed")
    return [temperature, top_p, longest, penalty, beams, seed]
