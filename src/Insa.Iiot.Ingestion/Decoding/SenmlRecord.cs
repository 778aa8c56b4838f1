namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>One SenML record as read, before its base fields are resolved.</summary>
internal ref struct SenmlRecord
{
    private int _seen;

    public ReadOnlySpan<byte> BaseName;
    public ReadOnlySpan<byte> Name;
    public ReadOnlySpan<byte> Text;
    public ReadOnlySpan<byte> BaseUnit;
    public ReadOnlySpan<byte> Unit;
    public bool Boolean;
    public double BaseTime;
    public double BaseValue;
    public double BaseSum;
    public double BaseVersion;
    public double Value;
    public double Sum;
    public double Time;

    public readonly bool Has(SenmlLabel label) => (_seen & (1 << ((int)label + 6))) != 0;

    /// <returns><see langword="false"/> if the label stands twice.</returns>
    public bool TryMark(SenmlLabel label)
    {
        if (Has(label))
            return false;
        _seen |= 1 << ((int)label + 6);
        return true;
    }

    public void SetNumber(SenmlLabel label, double value)
    {
        switch (label)
        {
            case SenmlLabel.BaseTime:
                BaseTime = value;
                break;
            case SenmlLabel.BaseValue:
                BaseValue = value;
                break;
            case SenmlLabel.BaseSum:
                BaseSum = value;
                break;
            case SenmlLabel.BaseVersion:
                BaseVersion = value;
                break;
            case SenmlLabel.Value:
                Value = value;
                break;
            case SenmlLabel.Sum:
                Sum = value;
                break;
            case SenmlLabel.Time:
                Time = value;
                break;
        }
    }

    public void SetText(SenmlLabel label, ReadOnlySpan<byte> text)
    {
        switch (label)
        {
            case SenmlLabel.BaseName:
                BaseName = text;
                break;
            case SenmlLabel.Name:
                Name = text;
                break;
            case SenmlLabel.BaseUnit:
                BaseUnit = text;
                break;
            case SenmlLabel.Unit:
                Unit = text;
                break;
            case SenmlLabel.TextValue or SenmlLabel.DataValue:
                Text = text;
                break;
        }
    }
}
