namespace Insa.Iiot.Tenancy;

/// <summary>How <see cref="UsageLedger.ExportAsync"/> writes.</summary>
public enum UsageFormat
{
    /// <summary>One CloudEvents 1.0 event in JSON on each line, of type <c>insa.iiot.usage.v1</c>.</summary>
    CloudEvents,

    /// <summary>RFC 4180, with a header line; lines end with a line feed.</summary>
    Csv,
}
