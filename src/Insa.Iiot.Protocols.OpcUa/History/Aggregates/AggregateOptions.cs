namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>How aggregates treat quality and gaps: the AggregateConfiguration of Part 13 §4.2.1.2, and whether the variable is stepped.</summary>
/// <param name="Stepped">A value holds until the next one, instead of a line leading to it.</param>
/// <param name="TreatUncertainAsBad">Uncertain values are no values.</param>
/// <param name="PercentDataBad">From which share of bad data on a result is Bad, 0 to 100.</param>
/// <param name="PercentDataGood">From which share of good data on a result is Good, 0 to 100.</param>
/// <param name="UseSlopedExtrapolation">Behind the last value the last line is drawn on, instead of the last value held.</param>
internal readonly record struct AggregateOptions(
    bool Stepped,
    bool TreatUncertainAsBad,
    byte PercentDataBad,
    byte PercentDataGood,
    bool UseSlopedExtrapolation
)
{
    /// <summary>The defaults of Part 13 §4.2.1.2.</summary>
    public static AggregateOptions Default => new(false, true, 100, 100, false);

    /// <summary>Whether the values make sense together (Part 13 §4.2.1.2).</summary>
    public bool IsValid => PercentDataBad <= 100 && PercentDataGood <= 100 && PercentDataGood >= 100 - PercentDataBad;
}
