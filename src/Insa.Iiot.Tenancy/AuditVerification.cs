namespace Insa.Iiot.Tenancy;

/// <summary>What <see cref="AuditVerifier.VerifyAsync"/> found.</summary>
/// <param name="Problem">What is wrong first.</param>
/// <param name="Sequence">
/// The first entry that is or may be wrong: where only a checkpoint tells, the first one after the last good checkpoint; <see langword="null"/>
/// if it is not about entries.
/// </param>
/// <param name="Message">The same in words.</param>
/// <param name="Size">How many entries were read.</param>
/// <param name="Redacted">How many of them have erased fields: only the log's own entries <c>audit.redact</c> tell by whom.</param>
public sealed record AuditVerification(AuditProblem Problem, long? Sequence, string Message, long Size, long Redacted)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsValid => Problem == AuditProblem.None;
}
