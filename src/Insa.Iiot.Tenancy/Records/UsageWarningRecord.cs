namespace Insa.Iiot.Tenancy.Records;

internal sealed record UsageWarningRecord(LimitKind Kind, string Name, string Period, long Limit, long Used, DateTime At);
