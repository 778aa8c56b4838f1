namespace Insa.Iiot.Tenancy;

/// <summary>How far a tenant has left.</summary>
/// <param name="Since">When it began, UTC; <see langword="null"/> if that was before it was noted.</param>
/// <param name="DueAt">When its data is deleted, UTC, or within the hour after; <see langword="null"/> until a host has noted it.</param>
/// <param name="DeletedAt">When all of it was deleted and none found left, UTC; <see langword="null"/> if that is still to come.</param>
public sealed record TenantOffboardingStatus(DateTime? Since, DateTime? DueAt, DateTime? DeletedAt);
