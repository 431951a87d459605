% print_numbers (METRICS, NAME)   one result as text

function print_numbers (metrics, name)
  counts = metrics.("confusion matrix");
  last = rows (counts) - 1;
  printf ("%s\n\n", name);
  printf ("test images: %d\naccuracy:    %.5f\nlog loss:    %.5f\n\n", ...
          sum (counts(:)), metrics.("accuracy"), metrics.("loss"));
  printf ("digit  precision   recall  support\n");
  for digit = 0:last
    printf ("%5d  %9s  %7s  %7d\n", digit, share (metrics.("precision")(digit + 1)), ...
            share (metrics.("recall")(digit + 1)), sum (counts(digit + 1, :)));
  endfor
  printf ("\nconfusion matrix, true digit by row, predicted digit by column\n");
  printf ("     %s  total\n", sprintf ("%7d", 0:last));
  for digit = 0:last
    printf ("%5d%s%7d\n", digit, sprintf ("%7d", counts(digit + 1, :)), sum (counts(digit + 1, :)));
  endfor
  printf ("total%s%7d\n", sprintf ("%7d", sum (counts, 1)), sum (counts(:)));
  if (strcmp (metrics.("training"), "y"))
    loss = metrics.("validation loss")(:)';
    accuracy = metrics.("validation accuracy")(:)';
    printf ("\nbatches: %d, epochs: %d\n", numel (metrics.("training loss")), numel (loss));
    if (any (isfinite (loss)))
      printf ("\nepoch  validation loss  validation accuracy\n");
      printf ("%5d  %15.5f  %19.5f\n", [1:numel(loss); loss; accuracy]);
    endif
  endif
endfunction

% A number, or a dash where it is undefined.
function text = share (value)
  text = "-";
  if (! isnan (value))
    text = sprintf ("%.5f", value);
  endif
endfunction
