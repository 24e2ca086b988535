package main

import "lamina/crash/train"

// metricFlags say what a validation measures beside the loss, and what chooses.
type metricFlags struct {
	Metric string `placeholder:"NAME" help:"Score the documents of --valid at each validation too, as eval does without examples: acc, acc_norm, exact_match, perplexity, …, whatever the task reports; of an emulator that of the emulator."`
	BestBy string `default:"loss" enum:"loss,metric" placeholder:"WHAT" help:"What chooses the weights that are kept, and ends by --patience: the validation loss (default), or the metric, of equal ones the lower loss."`
}

// check finds what does not go together; valid is the flag --valid.
func (f metricFlags) check(valid string) error {
	switch {
	case f.Metric != "" && valid == "":
		return usagef("--metric %s is measured on --valid, which is not given", f.Metric)
	case f.BestBy == train.BestMetric && f.Metric == "":
		return usagef("--best-by metric: give --metric")
	}
	return nil
}

// best is the setting, "" where it is the default.
func (f metricFlags) best() string {
	if f.BestBy == train.BestLoss {
		return ""
	}
	return f.BestBy
}
