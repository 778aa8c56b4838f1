namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>The labels of a SenML record (RFC 8428 §4), numbered as in CBOR (§6).</summary>
internal enum SenmlLabel
{
    BaseSum = -6,
    BaseValue = -5,
    BaseUnit = -4,
    BaseTime = -3,
    BaseName = -2,
    BaseVersion = -1,
    Name = 0,
    Unit = 1,
    Value = 2,
    TextValue = 3,
    BooleanValue = 4,
    Sum = 5,
    Time = 6,
    UpdateTime = 7,
    DataValue = 8,
    Unknown = 9,
}
