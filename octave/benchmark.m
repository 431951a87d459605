% benchmark (RESULT)           print one result's numbers and draw its figures
% benchmark (RESULT, FOLDER)   the same, with the figures written into FOLDER as PNG
%
% RESULT is a run folder of digitlab or a metrics.mat. The figures (S0, figures 4.4 and 2.6):
%
%   learning-curves.png     loss and accuracy after each batch, and validation after each epoch; where it was trained
%   precision-recall.png    of each digit
%   confusion-matrix.png    true digit by row, predicted digit by column, and totals
%
% From a shell:
%
%   octave-cli --path octave --eval "benchmark ('runs/2026-01-31-120000-thesis-2conv', 'pictures')"
%
% Returns a struct of the figures by the pictures' names, if asked; else those that were written are closed.

function varargout = benchmark (result, folder)
  if (nargin < 1)
    print_usage ();
  endif
  writes = nargin > 1;
  [metrics, name] = read_result (result);
  print_numbers (metrics, name);
  drawn = struct ();
  if (strcmp (metrics.("training"), "y"))
    drawn.("learning-curves") = draw_learning_curves (metrics, name, writes);
  endif
  drawn.("precision-recall") = draw_precision_recall (metrics, name, writes);
  drawn.("confusion-matrix") = draw_confusion_matrix (metrics, name, writes);
  if (writes)
    write_figures (drawn, folder, nargout == 0);
  endif
  if (nargout)
    varargout{1} = drawn;
  endif
endfunction
