namespace Insa.Iiot.Tenancy;

/// <summary>Rules of the audit logs. Checked when the host starts.</summary>
public sealed class AuditOptions
{
    /// <summary>After how many entries of a log a checkpoint is signed. Default 256; 1 to 65,536.</summary>
    public int CheckpointInterval { get; set; } = 256;
}
